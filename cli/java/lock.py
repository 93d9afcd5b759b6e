"""Write a lock file of Java artifacts: `python -m cli.java.lock FILE COORDINATE..`

jgo resolves the coordinates' dependencies as Maven would, and downloads the jars; we write down
what came, with checksums. This is the only place where versions are decided. `make lock` runs it;
nothing at run time does. `--without` leaves out what a POM asks for and our use never loads
(`group` or `group:artifact`).
"""

from pathlib import Path

import click

from cli.java.artifacts import local_repository, sha256_of


@click.command(help=__doc__)
@click.argument("lock_file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("coordinates", nargs=-1, required=True)
@click.option("--without", multiple=True, metavar="GROUP[:ARTIFACT]")
def main(lock_file: Path, coordinates: tuple[str, ...], without: tuple[str, ...]) -> None:
    from jgo.maven import MavenContext, PythonResolver

    resolver = PythonResolver()
    context = MavenContext(resolver=resolver, repo_cache=local_repository(), timeout=60)
    inputs, transitive = resolver.resolve([context.create_dependency(c) for c in coordinates])
    lines = []
    for dependency in [*inputs, *transitive]:
        artifact = dependency.artifact
        group_id, artifact_id = artifact.groupId, artifact.artifactId
        # Jars with a classifier are native libraries for one platform each: none of our class
        # paths needs one, and a lock must not depend on the machine that wrote it.
        if artifact.classifier or {group_id, f"{group_id}:{artifact_id}"} & set(without):
            continue
        jar = artifact.resolve()
        lines.append(f"{group_id}:{artifact_id}:{artifact.version} {sha256_of(jar)}")
    header = "# group:artifact:version sha256, written by `make lock`: see cli/java/lock.py\n"
    lock_file.write_text(header + "\n".join(sorted(lines)) + "\n")
    click.echo(f"{lock_file}: {len(lines)} jars")


if __name__ == "__main__":
    main()
