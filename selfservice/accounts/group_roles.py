"""Which role the groups of a provider give: one pair after another, the first that fits counts."""

from __future__ import annotations

from selfservice.errors import BadInput, ChangedMeanwhile

LONGEST_GROUP = 200
Pairs = tuple[tuple[str, str], ...]


def checked_group(group: str) -> str:
    """The name of a group as somebody typed it. Raises BadInput."""
    group = group.strip()
    if not 0 < len(group) <= LONGEST_GROUP or not group.isprintable():
        raise BadInput(f"A group is named by 1 to {LONGEST_GROUP} characters.", "group")
    return group


def with_role(pairs: Pairs, group: str, role: str, seen: str, where: str) -> Pairs:
    """`pairs` in which `group` gives `role`; none where `role` is empty, and last where it gave none before.

    `seen` is the role that whoever changes it saw there, empty for none. Raises ChangedMeanwhile where it is no longer
    so, and BadInput where the group gives a role already that nobody has looked at.
    """
    group = checked_group(group)
    now = dict(reversed(pairs)).get(group, "")
    if not seen and now:
        raise BadInput(f"At {where}, {group} gives the role {now} already: change it in its row.", "group")
    if seen != now:
        raise ChangedMeanwhile(
            f"Somebody else has changed what {group} gives at {where}: it is now {now or 'no role'}, and was "
            f"{seen[:40]} when you looked.",
            now=now,
        )
    if not now:
        return (*pairs, (group, role)) if role else pairs
    kept = list(dict(reversed(pairs)).items())[::-1]  # a second pair of the same group never counts
    return tuple((name, role if name == group else other) for name, other in kept if name != group or role)
