"""How often the comparison at equal utility is right: simulated studies of known truth, counted design by design.

`.venv/bin/python benchmarks/operating_characteristics.py --design 3-seeds --studies 1000` adds what is missing of these
studies to its piece (`docs/results/operating-characteristics/3-seeds.json`), saved every few studies, and writes the
page `docs/results/operating-characteristics.md` from the pieces that there are. `--design all` takes one design after
the other; several processes may run at a time, each with designs of its own. A piece counts studies of one way of
computing: after a change of it, remove the piece.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from operating_page import page
from simulated_studies import DESIGNS, Design, judged
from tallies import Piece, read_piece, write_piece
from vestige.errors import near_misses

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results"
PIECES = RESULTS / "operating-characteristics"
_SAVED_EVERY = 25


def count(
    design: Design, *, studies: int, path: Path, say: Callable[[str], None] = print, every: int = _SAVED_EVERY
) -> Piece:
    """Count the studies of a design up to that number, going on from its piece; a study's number is its seed."""
    piece = read_piece(path, truth=design.truth)
    while piece.studies < studies:
        piece.add(judged(design, study=piece.studies))
        if piece.studies % every == 0 or piece.studies == studies:
            write_piece(piece, path)
            say(f"{path.stem}: {piece.studies} of {studies}")
    return piece


def known_pieces(folder: Path) -> Mapping[str, Piece]:
    """Every piece of a known design that there is, in the order of the designs."""
    paths = {name: folder / f"{name}.json" for name in DESIGNS}
    return {name: read_piece(path, truth=DESIGNS[name].truth) for name, path in paths.items() if path.exists()}


def main() -> None:
    """Count, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--design", default="all", help="its name, or all")
    parser.add_argument("--studies", type=int, default=1000, help="0 writes the page alone")
    told = parser.parse_args()
    if told.design not in ("all", *DESIGNS):
        parser.error(f"no design is called '{told.design}'.{near_misses(told.design, DESIGNS)}")
    for name in DESIGNS if told.design == "all" else (told.design,):
        count(DESIGNS[name], studies=told.studies, path=PIECES / f"{name}.json")
        (RESULTS / "operating-characteristics.md").write_text(page(known_pieces(PIECES)), encoding="utf-8")


if __name__ == "__main__":
    main()
