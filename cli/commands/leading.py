"""Options before the noun: `zbroker-admin -b host:9092 -o json topic list`.

What says which cluster and which form is an option of each verb, where Kafka's users look for it.
Who works with one cluster all day writes it once, in an alias, and that is in front. So what stands
there is moved behind the verb, which knows it, or says that it has no such option:

    -b H -o json topic list --internal   ──►   topic list --internal -b H -o json
"""

from collections.abc import Sequence

# Those that all nouns share (`cli.commands.options`, `repeating`, `zookeeper`). They take a value;
_VALUED = (
    "-b",
    "--bootstrap-server",
    "-c",
    "--command-config",
    "--context",
    "-o",
    "--output",
    "--timeout",
    "--until",
    "--zookeeper",
)
# these don't, or only one that is attached.
_ALONE = ("--watch", "-v")


def behind_the_verb(arguments: Sequence[str]) -> list[str]:
    """The same arguments, with those options that stand in front put behind the others."""
    at = 0
    while at < len(arguments):
        name, equals, _ = arguments[at].partition("=")
        is_short = not name.startswith("--")
        if name in _ALONE or (name in _VALUED and equals and not is_short):
            at += 1
        elif name in _VALUED:
            at += 2
        elif is_short and arguments[at][:2] in _VALUED:  # -bHOST
            at += 1
        else:
            break
    leading, rest = list(arguments[:at]), list(arguments[at:])
    if not leading or not rest or at > len(arguments) or rest[0].startswith("-"):
        return list(arguments)
    end = rest.index("--") if "--" in rest else len(rest)
    return rest[:end] + leading + rest[end:]
