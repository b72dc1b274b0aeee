"""GGUF → safetensors: the same model, whole, or an error and nothing kept."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import gguf
import pytest
import torch

from vestige.errors import ModelError
from vestige.models import sources
from vestige.models.loading import load_base, load_tokenizer
from vestige.testing.models import tiny_model, tiny_texts, tiny_tokenizer

pytestmark = pytest.mark.usefixtures("cache")


def write_gguf(path: Path, *, without: Collection[str] = ()) -> Path:
    """The tiny Llama as a GGUF file, but for the tensors whose name holds one of `without`."""
    model = tiny_model("llama", tie_word_embeddings=False)
    writer = gguf.GGUFWriter(path, "llama")
    config = model.config
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for key, value in model.state_dict().items():
        name = names.get_name(key, try_suffixes=(".weight",))
        assert name is not None
        if not any(part in name for part in without):
            writer.add_tensor(name, value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    own = json.loads(tiny_tokenizer().backend_tokenizer.to_str())["model"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(sorted(own["vocab"], key=own["vocab"].get))
    writer.add_token_merges([" ".join(pair) for pair in own["merges"]])
    for add, place in ((writer.add_pad_token_id, 0), (writer.add_bos_token_id, 1), (writer.add_eos_token_id, 2)):
        add(place)


@pytest.mark.parametrize("name", ["tiny.gguf", "tiny.GGUF", "Tiny.Q8.Gguf"])
def test_a_gguf_file_becomes_the_same_model_however_its_name_is_written(tmp_path: Path, name: str) -> None:
    source = sources.resolve(str(write_gguf(tmp_path / name)))
    assert source.kind == "gguf"
    ids = load_tokenizer(source)(tiny_texts(1), return_tensors="pt")["input_ids"]
    assert torch.equal(ids, tiny_tokenizer()(tiny_texts(1), return_tensors="pt")["input_ids"])
    found, original = load_base(source, dtype="float32"), tiny_model("llama", tie_word_embeddings=False)
    for part in ("lm_head.weight", "model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight"):
        assert torch.equal(found.get_parameter(part), original.get_parameter(part))


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        (("blk.1.",), r"9 weights .* missing .*model\.layers\.1"),
        (("blk.0.ffn_up",), r"1 weights .* missing .*model\.layers\.0\.mlp\.up_proj"),
        (("token_embd",), r"missing .*embed_tokens"),
    ],
)
def test_a_gguf_file_that_lacks_weights_is_refused_and_nothing_is_kept(
    tmp_path: Path, cache: Path, without: Collection[str], missing: str
) -> None:
    path = write_gguf(tmp_path / "tiny-00001-of-00002.gguf", without=without)
    with pytest.raises(ModelError, match=f"{path}.*{missing}.*joined with the others") as caught:
        sources.resolve(str(path))
    assert "\n" not in str(caught.value)
    assert list((cache / "models").iterdir()) == []


def test_what_lies_beside_a_gguf_file_is_none_of_its_business(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf")
    (tmp_path / "config.json").write_text('{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}')
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "some-org/some-base"}')
    load_base(sources.resolve(str(path)), dtype="float32")


def test_a_copy_made_before_files_were_judged_is_made_anew(tmp_path: Path, cache: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf")
    folder = sources.resolve(str(path)).path
    old = folder.rename(folder.with_name(folder.name.removesuffix("-whole")))
    (old / "model.safetensors").write_bytes(b"partly random, as early versions kept it")
    assert not sources.resolve(str(path), fetch=False).ready
    again = sources.resolve(str(path))
    load_base(again, dtype="float32")
    assert [one.name for one in (cache / "models").iterdir()] == [again.path.name]
