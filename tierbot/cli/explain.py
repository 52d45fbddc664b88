"""`tierbot explain`: why a post shows its tag."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.output import AsJson, err, out, print_json
from tierbot.cli.wiring import offline

if TYPE_CHECKING:
    from tierbot.domain.predict.explain import Explanation
    from tierbot.domain.tags import TagSpace

_WORDS = 8
_LEAST_EFFECT = 0.001


def explain(
    post: Annotated[str, typer.Argument(help="A post's id, its message's ts, or the message's permalink.")],
    as_json: AsJson = False,
) -> None:
    """Explain why a post shows its tag: probabilities, the words that mattered, similar stories, model, policy, arm.

    Example: `tierbot explain 1700000000.123456`
    """
    from tierbot.app.slack_access import tags_in

    bot, workspace = offline()
    post_id = bot.explanations.find(workspace, post)
    err.print("Reading …")
    found = bot.explanations.explanation(workspace, post_id)
    if as_json:
        print_json(asdict(found))
    else:
        _show(found, tags_in(bot.store, workspace))


def _show(found: "Explanation", tags: "TagSpace") -> None:
    def name(tag_id: str) -> str:
        return f"{tags[tag_id].character} {tags[tag_id].name}" if tag_id in tags else tag_id

    lines = [found.title, found.url, "", f"shown        {name(found.shown_tag)}"]
    lines += [f"{100 * p:9.1f}%  {name(tag)}" for tag, p in found.probabilities]
    mattered = [one for one in found.words or () if abs(one.drop) >= _LEAST_EFFECT][:_WORDS]
    lines += ["", "words        " + (found.note or ("how much less likely without" if mattered else "none alone"))]
    lines += [f"{100 * one.drop:+9.1f}    {one.word}" for one in mattered]
    if found.neighbors:
        lines += ["", "similar labeled stories"]
        lines += [
            f"{near.similarity:9.2f}    {near.title}  ({', '.join(map(name, near.tags))})" for near in found.neighbors
        ]
    lines += [
        "",
        f"model        {found.model_version}, {found.predicted_at:%Y-%m-%d %H:%M} UTC",
        f"policy       {found.policy}, propensity {found.propensity:.3f}",
        f"arm          {found.arm}, probability {found.arm_probability:.2f}",
        f"chosen by    {found.selection.strategy}, probability {found.selection.probability:.3f}",
    ]
    out.print("\n".join(lines))
