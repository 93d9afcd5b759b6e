"""`zbroker-admin zk shell`: the other commands of `zk`, line by line, of one ZooKeeper.

    zk> ls /brokers/ids
    zk> get /controller --stat
    zk> quit

As ZooKeeper's own shell, but that it only reads, as all of `zk` does. A line that fails says why,
and the next one is asked for; lines that come through a pipe end with the first that fails.
"""

import shlex
import sys

import click

from cli.commands.options import Exit, Failure
from cli.commands.zookeeper import ZooKeeper, zookeeper_options

PROMPT = "zk> "

_ENDING = ("quit", "exit")
# What ZooKeeper's shell has, and changes something with.
_CHANGING = ("addauth", "create", "delete", "deleteall", "reconfig", "set", "setAcl", "setquota")


@click.command("shell")
@zookeeper_options
def command(zookeeper: ZooKeeper) -> None:
    """Ask for commands of `zk` and do them, until `quit` or Ctrl-D.

    \b
    Example: zbroker-admin zk shell --zookeeper localhost:2181
    """
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import readline  # noqa: F401  (with it, a prompt has editing and a history)

        click.echo("help tells the commands; quit ends it")
    while True:
        try:
            line = input(PROMPT) if is_terminal else _piped_line()
            if not _do(line, zookeeper):
                return
        except EOFError:
            if is_terminal:
                click.echo()
            return
        except KeyboardInterrupt:  # at the prompt
            click.echo()
        except click.ClickException as error:
            if not is_terminal:
                raise
            error.show()


def _piped_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _do(line: str, zookeeper: ZooKeeper) -> bool:
    """Whether there is more to come; raises what the line fails with."""
    from cli.commands.zk import zk  # which knows of this command

    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise Failure(f"{line.strip()!r}: {error}", Exit.USAGE) from None
    if not words:
        return True
    verb = words[0]
    if verb in _ENDING:
        return False
    if verb in _CHANGING:
        raise Failure(f"{verb}: this shell only reads; brokers change what is theirs", Exit.USAGE)
    if verb == "shell":
        raise Failure("shell: this is one", Exit.USAGE)
    if verb == "help":
        words = [*words[1:2], "--help"]
    else:
        where = ("--zookeeper", zookeeper.hosts + zookeeper.chroot)
        words[1:1] = [*where, "--timeout", str(zookeeper.timeout_seconds)]
    zk.main(words, prog_name="zk", standalone_mode=False)
    return True
