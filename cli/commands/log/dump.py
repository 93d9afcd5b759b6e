"""`zbroker-admin log dump`: what stands in a broker's files (cli.offline.dumping).

Files have no bound, so each piece is printed when it is read: with `-o json` an object a line.
What is damaged is told where it is found, and in the end by exit code 4.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import click

from cli.commands.options import Exit, Failure, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import JSON_VERSION, say
from cli.commands.yaml_text import yaml_lines
from cli.offline.batch_pieces import Piece, Wish
from cli.offline.decoders import offsets, plain, transactions
from cli.offline.dumping import UnknownFile, dump
from cli.offline.read_only import Damage


@click.command("dump")
@click.argument("more_files", nargs=-1, metavar="[FILE]..")
@click.option(
    "--files", multiple=True, metavar="FILE,..", help="The same, as in Kafka's tool: with commas."
)
@click.option("--deep-iteration", is_flag=True, help="Each record of a batch, too.")
@click.option("--print-data-log", is_flag=True, help="Each record with its key and value.")
@click.option("--offsets-decoder", is_flag=True, help="Records are of __consumer_offsets.")
@click.option("--transaction-log-decoder", is_flag=True, help="Records are of __transaction_state.")
@click.option(
    "--index-sanity-check", is_flag=True, help="Of indexes no entries: what a start looks at."
)
@click.option("--verify-index-only", is_flag=True, help="Of indexes no entries: what is wrong.")
@output_option()
def command(
    more_files: tuple[str, ...],
    files: tuple[str, ...],
    deep_iteration: bool,
    print_data_log: bool,
    offsets_decoder: bool,
    transaction_log_decoder: bool,
    index_sanity_check: bool,
    verify_index_only: bool,
    output: str,
) -> None:
    """Print what stands in files of a log: .log .index .timeindex .txnindex .snapshot, checkpoints.

    The text is that of kafka-dump-log.sh; -o wide has the byte of each piece before it.

    \b
    Example: zbroker-admin log dump --files 00000000000000000000.log --print-data-log
    """
    if offsets_decoder and transaction_log_decoder:
        raise click.UsageError("--offsets-decoder excludes --transaction-log-decoder")
    paths = [Path(name) for each in files for name in each.split(",") if name]
    paths += [Path(name) for name in more_files]
    if not paths:
        raise click.UsageError("give the FILEs to dump")
    contents = print_data_log or offsets_decoder or transaction_log_decoder
    decode = offsets if offsets_decoder else transactions if transaction_log_decoder else plain
    wish = Wish(deep_iteration or contents, contents, decode, index_sanity_check, verify_index_only)
    printer = _Printer(output)
    problems = []
    for path in paths:
        try:
            path.stat()  # to a broker a checkpoint that isn't there is an empty one
            printer.print_all(path, dump(path, wish))
        except UnknownFile as error:
            problems.append(str(error))
        except BrokenPipeError:  # our reader has enough, `| head`
            raise
        except OSError as error:
            problems.append(f"{error.filename or path}: {error.strerror}")
    fail_for(problems, any_done=len(problems) < len(paths))
    if printer.damaged:
        names = ", ".join(map(str, printer.damaged))
        raise Failure(f"damaged: {names}", Exit.NOT_MET)


@attrs.define(eq=False)
class _Printer:
    """Prints in one of `options.FORMS`, and remembers which files are damaged."""

    form: str
    damaged: list[Path] = attrs.field(factory=list, init=False)

    def print_all(self, path: Path, pieces: Iterable[Piece | Damage]) -> None:
        is_text = self.form in ("table", "wide")
        if is_text:
            self._line(f"Dumping {path}")
        for each in pieces:
            if isinstance(each, Damage) and path not in self.damaged:
                self.damaged.append(path)
            if not is_text:
                self._print(path, each)
            elif isinstance(each, Damage):
                sys.stdout.flush()  # so that both stand in order where they meet
                say(str(each))
            elif self.form == "wide":
                self._line(f"{'' if each.position is None else each.position:>10}  {each.text}")
            else:
                self._line(each.text)

    def _print(self, path: Path, each: Piece | Damage) -> None:
        if self.form == "name":
            self._line(f"{path}:{'' if each.position is None else each.position}")
            return
        facts = _facts(path, each)
        if self.form == "json":
            self._line(json.dumps(facts))
        else:
            self._line("\n".join(["---", *yaml_lines(facts)]))

    def _line(self, text: str) -> None:
        # Not click.echo, which flushes: a log has millions of them.
        sys.stdout.write(text + "\n")


def _facts(path: Path, each: Piece | Damage) -> Mapping[str, object]:
    facts = {"v": JSON_VERSION, "file": str(path), "position": each.position}
    if isinstance(each, Damage):
        return {**facts, "kind": "damage", "problem": each.problem}
    return {**facts, "kind": each.kind, **each.facts}
