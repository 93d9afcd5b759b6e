"""`zbroker-admin completion`: the script by which a shell completes our commands.

The shell then runs `zbroker-admin` at each TAB (with `_ZBROKER_ADMIN_COMPLETE` set), which answers
with commands and options, and with names that it asks of the cluster (`completing`).

The scripts are click's, but for bash: that takes `-b host:9092` for three words, and click's script
leaves it at that, so a name would never be asked of the cluster that the line names.
"""

import click
from click.shell_completion import get_completion_class

PROGRAM = "zbroker-admin"
VARIABLE = "_ZBROKER_ADMIN_COMPLETE"  # click's name for it

# What bash has cut at ':' and '=' (COMP_WORDBREAKS) is put together again.
BASH = """\
_zbroker_admin_completion() {
    local IFS=$'\\n' word last= answer type value
    local words=("${COMP_WORDS[0]}")
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ $word == [:=]* || $last == *[:=] ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        last=$word
    done
    answer=$(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \\
        _ZBROKER_ADMIN_COMPLETE=bash_complete "$1")
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$answer"
}
complete -o nosort -F _zbroker_admin_completion zbroker-admin
"""


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
    if shell == "bash":
        click.echo(BASH, nl=False)
        return
    made_by = get_completion_class(shell)
    assert made_by is not None, "a shell of the choice"
    click.echo(made_by(context.find_root().command, {}, PROGRAM, VARIABLE).source())
