"""`zbroker-admin completion`: the script by which a shell completes our commands.

The shell then runs `zbroker-admin` at each TAB (with `_ZBROKER_ADMIN_COMPLETE` set), which answers
with commands and options, and with names that it asks of the cluster (`completing`).
"""

import click
from click.shell_completion import get_completion_class

PROGRAM = "zbroker-admin"
VARIABLE = "_ZBROKER_ADMIN_COMPLETE"  # click's name for it


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete commands, options, and names of topics and groups.

    \b
    Example: source <(zbroker-admin completion bash)
             zbroker-admin completion bash >> ~/.bashrc       # from the next shell on
             zbroker-admin completion fish > ~/.config/fish/completions/zbroker-admin.fish
    """
    made_by = get_completion_class(shell)
    assert made_by is not None, "a shell of the choice"
    click.echo(made_by(context.find_root().command, {}, PROGRAM, VARIABLE).source())
