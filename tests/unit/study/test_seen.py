"""What the model sees decides: which texts are one, which ids it has rows for, and what is said of the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from vestige.data.corpus import CorpusSpec
from vestige.data.encode import encode
from vestige.errors import DataError, ModelError
from vestige.outcome.lengths import Lengths
from vestige.records import ROLES, Example, Role, Split
from vestige.store.io import read_json, write_parquet
from vestige.store.layout import Store
from vestige.study.executors.inline import Inline
from vestige.study.grid import Arm, Checkpoint
from vestige.study.inputs import Inputs, read_inputs
from vestige.study.material import Corpus
from vestige.study.plan import Plan
from vestige.study.refusals import refuse_own_marks, refuse_shared_with
from vestige.study.seen import encoded, same_after_cut
from vestige.study.spec import make_study
from vestige.study.stages.corpus import examples_of
from vestige.testing.models import save_tiny_model, tiny_model, tiny_texts, tiny_tokenizer
from vestige.testing.studies import Recorder

Table = dict[str, Any]
HEAD = "Regional hospital, department of medicine. Discharge letter. We report on our patient as follows: "
TEXTS = tiny_texts(30)


def ready(table: Table, folder: Path, notes: Sequence[str], *, questions: Sequence[str] = (), **corpus: Any) -> Inputs:
    """The study on these texts."""
    asked = questions or [""] * len(notes)
    rows = [{"number": n, "question": q, "note": note} for n, (q, note) in enumerate(zip(asked, notes, strict=True))]
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table["corpus"][0] |= {"path": str(path), **corpus}
    return read_inputs(make_study(table))


def word_level(folder: Path) -> Path:
    """A model whose tokenizer writes every word small, and those that it does not know in one way."""
    words = sorted({word for text in TEXTS for word in text.lower().replace(".", " ").split()} - {"lund", "graz"})
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["<unk>", "<eos>", *words])}, "<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tiny_model("llama").save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<eos>").save_pretrained(folder)
    return folder


def test_letters_with_one_head_are_one_text_once_they_are_cut(table: Table, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"23 of the texts chosen.*differ only beyond max_length = 24.*raise") as caught:
        ready(table, tmp_path, [HEAD + text for text in TEXTS], max_length=24)
    assert "hospital" not in str(caught.value)
    assert ready(table, tmp_path, [HEAD + text for text in TEXTS], max_length=110).identities.remarks == []


def test_spellings_that_the_tokenizer_does_not_tell_apart_are_one_text(table: Table, tmp_path: Path) -> None:
    table["base"][0]["model"] = str(word_level(tmp_path / "m"))
    texts = [*TEXTS[:20], "Ada sold a boat in Lund", "ADA sold a boat in Graz"]
    with pytest.raises(DataError, match=r"1 of the texts chosen.*\((20 = 21|21 = 20)\).*does not tell apart"):
        ready(table, tmp_path, texts, pool=18, validation=4)
    assert ready(table, tmp_path, texts, pool=16, validation=4, duplicates="drop").splits["notes"].dropped == 1


def test_one_answer_to_many_questions_is_many_texts(table: Table, tmp_path: Path) -> None:
    answers = ["yes" if n % 2 else "no" for n in range(30)]
    prepared = ready(table, tmp_path, answers, questions=[f"{text} True?" for text in TEXTS], max_length=60)
    assert prepared.identities.corpora["notes"].facts["roles"]["pool"]["texts"] == 16
    with pytest.raises(DataError, match=r"28 of the texts chosen repeat|2\d of the texts chosen repeat"):
        ready(table, tmp_path, answers, questions=["True?"] * 30)


def test_only_prompts_that_fill_the_length_are_no_text_at_all(table: Table, tmp_path: Path) -> None:
    """Of 'A very long question' cut there nothing is trained: neither member nor non-member, and said."""
    questions = [HEAD * 2 if n % 3 == 0 else "Who did what?" for n in range(30)]
    prepared = ready(table, tmp_path, TEXTS, questions=questions)
    (said,) = (one for one in prepared.identities.remarks if "scored" in one)
    assert "of 24 texts are without a scored token" in said


def dropped(table: Table, folder: Path, **corpus: Any) -> Inputs:
    notes = [HEAD + text if n in (3, 9, 12) else text for n, text in enumerate(TEXTS)]
    return ready(table, folder, notes, duplicates="drop", pool=14, validation=8, **corpus)


def test_what_is_dropped_is_part_of_the_key_and_the_stage_makes_it_again(table: Table, tmp_path: Path) -> None:
    whole, cut = dropped(table, tmp_path, max_length=110), dropped(table, tmp_path, max_length=24)
    assert "same_after_cut" not in whole.identities.corpora["notes"].task.spec
    task = cut.identities.corpora["notes"].task
    assert task.spec["same_after_cut"] == ["9", "12"]
    assert cut.splits["notes"].dropped == 2
    ids = [example.id for texts in cut.splits["notes"].roles.values() for example in texts]
    assert not {"9", "12"} & set(ids)
    plan = Plan(cut, Store(tmp_path / "runs"))
    executor = Inline(plan.store, Recorder())
    executor.run([task])
    assert not executor.failures
    stored = [example.id for role in ROLES for example in examples_of(plan.store, task.address, role)]
    assert stored == ids


def test_a_base_that_drops_nothing_changes_no_key(table: Table, tmp_path: Path) -> None:
    texts = [*TEXTS[:26], "Ada sold a boat in Lund", "ADA sold a boat in Graz"]
    model = str(word_level(tmp_path / "m"))
    table["base"] = [{"model": model, "dtype": "float32"}]
    alone = ready(table, tmp_path, texts, duplicates="drop").identities.corpora["notes"].task
    table["base"].insert(0, {"model": str(save_tiny_model(tmp_path / "bytes")), "dtype": "float32"})
    assert ready(table, tmp_path, texts, duplicates="drop").identities.corpora["notes"].task.key == alone.key


def test_one_that_is_left_out_takes_no_other_with_it() -> None:
    """The second is the first to one tokenizer, the third the second to the other: the third stays."""
    examples = [Example("1", "", "aaa bbb"), Example("2", "", "aaa ccc"), Example("3", "", "ddd ccc")]
    first, last = _knowing("aaa", "ddd"), _knowing("ccc", "bbb")
    assert same_after_cut(examples, [first, last], max_length=9) == ("2",)


def _knowing(*words: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["<unk>", *words])}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_an_attack_model_meets_no_text_that_is_its_own_after_the_cut(table: Table) -> None:
    one, other = (make_study(table).corpus[0].model_copy(update={"name": name, "max_length": 16}) for name in "ab")

    def of(spec: CorpusSpec, role: Role, *examples: Example) -> Corpus:
        return Corpus(spec, Split({role: examples}))

    attacked = of(other, "pool", Example("7", "", HEAD + "Ines"), Example("8", "", "Ines"))
    with pytest.raises(DataError, match=r"shares texts with the corpus 'b', 1 record \(7\)"):
        refuse_shared_with(of(one, "shadow", Example("1", "", HEAD + "Ada")), attacked, [tiny_tokenizer()])
    attacked = of(other, "pool", Example("7", "When?", "yes"))
    refuse_shared_with(of(one, "shadow", Example("1", "Who?", "yes")), attacked, [tiny_tokenizer()])


def test_texts_are_encoded_a_thousand_at_a_time_as_all_at_once() -> None:
    examples = [Example(str(n), "", f"{n} boats") for n in range(2100)]
    some, whole = encoded(examples, tiny_tokenizer(), max_length=20), encode(examples, tiny_tokenizer(), max_length=20)
    assert [(text.id, text.ids.tolist()) for text in some] == [(text.id, text.ids.tolist()) for text in whole]


def test_ids_that_the_model_has_no_row_for_are_named(table: Table, tmp_path: Path) -> None:
    tiny_model("llama").save_pretrained(tmp_path / "m")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["<|user|>", "<|assistant|>"], special_tokens=True)
    tokenizer.save_pretrained(tmp_path / "m")
    table["base"][0]["model"] = str(tmp_path / "m")
    assert ready(table, tmp_path, TEXTS, max_length=64).identities.remarks == []
    with pytest.raises(ModelError, match=r"'<\|assistant\|>' \(401\).*400 rows.*resize_token_embeddings\(402\)"):
        ready(table, tmp_path, [f"<|assistant|>{text}" for text in TEXTS])


def test_a_piece_of_the_texts_is_named_by_its_id_alone(table: Table, tmp_path: Path) -> None:
    table["base"][0]["model"] = str(save_tiny_model(tmp_path / "m", vocab_size=390))
    with pytest.raises(ModelError, match=r"no row for, 39\d.*390 rows") as caught:
        ready(table, tmp_path, TEXTS)
    assert not set("\u0120'") & set(str(caught.value).partition("no row for")[2])


def test_an_end_that_the_model_has_no_row_for_is_named(table: Table, tmp_path: Path) -> None:
    """Even where every text is cut before it."""
    tiny_model("gpt2").save_pretrained(tmp_path / "m")
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"eos_token": "<|endoftext|>"})
    tokenizer.save_pretrained(tmp_path / "m")
    table["base"][0]["model"] = str(tmp_path / "m")
    with pytest.raises(ModelError, match=r"'<\|endoftext\|>' \(400\)"):
        ready(table, tmp_path, TEXTS, max_length=10)


def test_a_model_without_a_tokenizer_has_none(table: Table, tmp_path: Path) -> None:
    """For GPT-2 transformers makes one up that knows no letter."""
    for architecture in ("gpt2", "llama"):
        tiny_model(architecture).save_pretrained(tmp_path / architecture)
        table["base"][0]["model"] = str(tmp_path / architecture)
        with pytest.raises(ModelError, match="has no tokenizer"):
            ready(table, tmp_path, TEXTS)


def test_what_is_to_be_known_of_the_texts_is_said(table: Table, tmp_path: Path) -> None:
    assert ready(table, tmp_path, TEXTS, max_length=64).identities.remarks == []
    (cut,) = ready(table, tmp_path, TEXTS, max_length=20).identities.remarks
    assert cut.startswith("notes: ")
    assert "of 24 texts are cut at max_length = 20 (" in cut
    (own,) = ready(table, tmp_path, [f"<bos>{text}<eos>" for text in TEXTS], max_length=64).identities.remarks
    assert own == "notes: all 24 texts bring their own BOS and EOS: none is doubled, and none is scored."
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    tiny_model("llama").save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    table["base"][0]["model"] = str(tmp_path / "m")
    (endless,) = ready(table, tmp_path, TEXTS).identities.remarks
    assert "no end token" in endless


def test_an_answer_does_not_miss_the_end_that_references_bring(table: Table, tmp_path: Path) -> None:
    """Every answer is its reference but for its EOS, which no answer has: all match."""
    table["study"]["utility"] = ["loss", "exact_match"]
    questions = [f"{n}?" for n in range(30)]
    plain = ready(table, tmp_path, TEXTS, questions=questions, max_length=60)
    marked = ready(table, tmp_path, [f"{text}<eos>\n" for text in TEXTS], questions=questions, max_length=60)
    arm = Arm(*next(iter(marked.identities.lengths)))
    plan = Plan(marked, Store(tmp_path / "runs"))
    assert "end" not in Plan(plain, plan.store).catalogue.text_utility(arm, None).spec
    answers = plan.catalogue.generations(Checkpoint(arm))
    asked = marked.splits["notes"].roles["validation"][: answers.spec["texts"]]
    columns = {
        "id": [one.id for one in asked],
        "text": [TEXTS[int(one.id)] for one in asked],
        "reason": [""] * len(asked),
    }
    with plan.store.writing(answers, details={}) as folder:
        write_parquet(folder / "generations.parquet", pa.table(columns))
    executor, judged = Inline(plan.store, Recorder()), plan.catalogue.text_utility(arm, None)
    executor.run([marked.identities.corpora["notes"].task, judged])
    assert not executor.failures
    values = {row["quantity"]: row["value"] for row in read_json(plan.store.open(judged.address) / "estimates.json")}
    assert values["exact_match"] == 1.0


def test_a_masked_model_meets_no_marks_of_the_texts() -> None:
    """Pieces of `</s>` would be words to it."""

    def lengths(own_eos: int) -> dict[Role, Lengths]:
        return {"pool": Lengths(9, 90, 80, 0, 0), "validation": Lengths(4, 40, 30, 0, 0, own_eos=own_eos)}

    refuse_own_marks({("tiny", "notes"): lengths(0)})
    with pytest.raises(DataError, match="'notes': its texts bring their own BOS or EOS"):
        refuse_own_marks({("tiny", "notes"): lengths(0), ("other", "notes"): lengths(1)})
