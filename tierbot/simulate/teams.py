"""Makes teams of simulated trainers: from TOML, whose values may be ranges to draw from, for the demo, or perfect."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from tierbot.domain.toml_text import parse_toml
from tierbot.simulate.trainers import HOURS, SHARES, Kind, SimulatedTrainer, TrainerError

DEFAULT_TEAM = "trainers.toml"
_RANGED = frozenset({*SHARES, "delay_median", "delay_spread", "expertise_strength"})
_PLAIN = frozenset({"activity", "expertise_by_tag", "skin_tone", "target"})
_TRAITS = _RANGED | _PLAIN
_OWN = frozenset({"name", "kind", "count"})  # a [[trainer]]'s keys besides traits
_MOST_TRAINERS = 10_000
_DEMO_ACTIVITY = 0.75  # in the demo, it is always working hours
_PERFECT = 3  # enough for a verdict, and one to spare
_NAMES = ("Ines", "Jamal", "Kaya", "Liam", "Mei", "Noor", "Otto", "Priya", "Quinn", "Rosa", "Sven", "Tala")


def load_trainers(path: Path | None, rng: np.random.Generator, tag_ids: Sequence[str] = ()) -> list[SimulatedTrainer]:
    """Draw the team of a TOML file (None: the default), with an expertise per tag if given. TrainerError if invalid."""
    own = _shipped() if path is None else _read(path)
    where = DEFAULT_TEAM if path is None else str(path)
    drawing = _Drawing(own, rng, tag_ids)
    return [
        trainer
        for number, table in enumerate(_tables(own, "trainer", where), 1)
        for trainer in drawing.trainers(table, f"{where}: [[trainer]] {number}")
    ]


def demo_team(size: int, rng: np.random.Generator, tag_ids: Sequence[str] = ()) -> list[SimulatedTrainer]:
    """Return `size` named colleagues: eight predefined ones, then honest ones. TrainerError if size is below 1."""
    if size < 1:
        raise TrainerError(f"The demo team's size is {size}. Use at least 1.")
    shipped = _shipped()
    tables: list[Mapping[str, Any]] = list(_tables(shipped, "demo", DEFAULT_TEAM))
    for i in range(size - len(tables)):
        name = _NAMES[i % len(_NAMES)] + (f" {i // len(_NAMES) + 1}" if i >= len(_NAMES) else "")
        tables.append({"name": name, "kind": Kind.HONEST.value})
    drawing = _Drawing(shipped, rng, tag_ids)
    return [
        trainer
        for table in tables[:size]
        for trainer in drawing.trainers({"activity": _DEMO_ACTIVITY, **table}, f"{DEFAULT_TEAM}: [[demo]]")
    ]


def perfect_team(size: int) -> list[SimulatedTrainer]:
    """Return `size` trainers who judge every post within about a minute and name all true tags."""
    return [SimulatedTrainer(name=f"perfect-{i + 1}", delay_median=30.0 + i) for i in range(size)]


def team_of(
    trainers: str | Sequence[SimulatedTrainer], rng: np.random.Generator, tag_ids: Sequence[str]
) -> Sequence[SimulatedTrainer]:
    """Return "default", "perfect", a file's team, or the given trainers; TrainerError if invalid or none."""
    if not isinstance(trainers, str):
        if not trainers:
            raise TrainerError("The team has no trainers. Add at least one.")
        return trainers
    if trainers == "perfect":
        return perfect_team(_PERFECT)
    return load_trainers(None if trainers == "default" else Path(trainers), rng, tag_ids)


def usual_traits() -> dict[str, float]:
    """Return the traits of an honest trainer from trainers.toml: the midpoints of ranges, without `activity`."""
    shipped = _shipped()
    traits = shipped["traits"] | shipped["kind"][Kind.HONEST.value]
    return {
        trait: sum(value) / len(value) if isinstance(value, list) else float(value)
        for trait, value in traits.items()
        if trait in _RANGED
    }


def _shipped() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("tierbot.simulate").joinpath(DEFAULT_TEAM).read_text(encoding="utf-8"))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise TrainerError(f"{path}: cannot be read ({fault}). Give the path of a UTF-8 text file.") from fault
    own = parse_toml(text, str(path), TrainerError)
    _refuse_unknown(own, {"traits", "kind", "trainer", "demo"}, str(path))
    kinds = own.get("kind", {})
    for table in (own.get("traits", {}), kinds):
        if not isinstance(table, dict):
            raise TrainerError(f"{path}: traits and kind must be tables. Write [traits] and [kind.lazy].")
    _refuse_unknown(own.get("traits", {}), _TRAITS, f"{path}: [traits]")
    _refuse_unknown(kinds, {kind.value for kind in Kind}, f"{path}: [kind]")
    for kind, table in kinds.items():
        if not isinstance(table, dict):
            raise TrainerError(f"{path}: kind.{kind} isn't a table. Write [kind.{kind}].")
        _refuse_unknown(table, _TRAITS, f"{path}: [kind.{kind}]")
    return own


def _refuse_unknown(table: Iterable[str], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise TrainerError(f"{where}: unknown key {unknown[0]!r}. Use {', '.join(sorted(known))}.")


def _tables(own: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, Any]]:
    tables = own.get(name, [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise TrainerError(f'{where}: no trainers. Write at least one [[{name}]] table, such as kind = "honest".')
    return tables


class _Drawing:
    """Draws trainers from a file's tables. A trainer's own traits override the file's, which override the defaults."""

    def __init__(self, own: Mapping[str, Any], rng: np.random.Generator, tag_ids: Sequence[str]) -> None:
        files = (_shipped(), own)
        self._rng = rng
        self._tag_ids = tag_ids
        self._traits = {
            kind: {trait: value for file in files for trait, value in file.get("traits", {}).items()}
            | {trait: value for file in files for trait, value in file.get("kind", {}).get(kind.value, {}).items()}
            for kind in Kind
        }

    def trainers(self, table: Mapping[str, Any], where: str) -> list[SimulatedTrainer]:
        """Return the trainers of one [[trainer]] table."""
        _refuse_unknown(table, _TRAITS | _OWN, where)
        try:
            kind = Kind(table.get("kind", Kind.HONEST.value))
        except ValueError:
            kinds = ", ".join(sorted(kind.value for kind in Kind))
            raise TrainerError(f"{where}: unknown kind {table['kind']!r}. Use one of {kinds}.") from None
        count = table.get("count", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_TRAINERS:
            raise TrainerError(f"{where}: count is {count!r}. Use a whole number from 1 to {_MOST_TRAINERS}.")
        traits = self._traits[kind] | {trait: value for trait, value in table.items() if trait not in _OWN}
        name = str(table.get("name", kind.value))
        names = [name] if count == 1 and "name" in table else [f"{name}-{i + 1}" for i in range(count)]
        return [self._draw(one, kind, traits, where) for one in names]

    def _draw(self, name: str, kind: Kind, traits: Mapping[str, Any], where: str) -> SimulatedTrainer:
        values = {
            trait: _number(value, f"{where}: {trait}", self._rng)
            for trait, value in sorted(traits.items())
            if trait in _RANGED
        }
        strength = values.pop("expertise_strength")
        said = traits.get("expertise_by_tag", {})
        if not isinstance(said, dict):
            raise TrainerError(f"{where}: expertise_by_tag isn't a table. Write expertise_by_tag = {{ food = 0.9 }}.")
        target = traits.get("target")
        if kind is Kind.ADVERSARIAL and target is None and self._tag_ids:
            target = self._tag_ids[int(self._rng.integers(len(self._tag_ids)))]
        try:
            return SimulatedTrainer(
                name=name,
                kind=kind,
                expertise_by_tag=_expertise(values["expertise"], strength, self._tag_ids, self._rng) | said,
                activity=_activity(traits["activity"], where),
                skin_tone=traits.get("skin_tone"),
                target=target,
                **values,
            )
        except TrainerError as fault:
            raise TrainerError(f"{where}: {fault}") from fault


def _number(value: object, where: str, rng: np.random.Generator) -> float:
    ends = value if isinstance(value, list) else [value, value]
    if len(ends) != 2 or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):  # noqa: PLR2004
        raise TrainerError(f"{where} is {value!r}. Use a number, or [low, high].")
    low, high = map(float, ends)
    if not low <= high:
        raise TrainerError(f"{where} is {value!r}. Put the lower end first.")
    return low if low == high else float(rng.uniform(low, high))


def _activity(value: object, where: str) -> tuple[float, ...]:
    """Read 24 values, or one for all hours; SimulatedTrainer checks the range."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, int | float):
        return (value,) * HOURS
    raise TrainerError(f"{where}: activity is {value!r}. Use a number, or 24 of them.")


def _expertise(mean: float, strength: float, tag_ids: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
    """Draw an expertise per tag from Beta(mean · strength, (1 − mean) · strength)."""
    if not 0 < mean < 1 or strength <= 0:
        return dict.fromkeys(tag_ids, mean)
    return {tag: float(rng.beta(mean * strength, (1.0 - mean) * strength)) for tag in tag_ids}
