"""The command line: `minsheng`."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from server.config import ConfigurationError, Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def settings_options(command: F) -> F:
    """A flag for each setting that makes sense on a command line; a flag wins over the environment."""
    for name in reversed(
        ("data-dir", "http-host", "http-port", "database-url", "redis-url", "media-port", "relays", "public-address")
    ):
        field = Settings.model_fields[name.replace("-", "_")]
        command = click.option(f"--{name}", metavar="VALUE", help=field.description)(command)
    return command


def load_settings(flags: dict[str, Any] | None = None) -> Settings:
    """The settings, or one clear line and exit status 2."""
    try:
        return Settings.load(os.environ, flags)
    except ConfigurationError as error:
        click.echo(f"minsheng: {error}", err=True)
        sys.exit(2)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; an error that has words for people becomes one line and exit status 1."""
    from server.errors import ServiceError

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(work)
    except ServiceError as error:
        click.echo(f"minsheng: {error.message}", err=True)
        sys.exit(1)
    except ConfigurationError as error:
        click.echo(f"minsheng: {error}", err=True)
        sys.exit(2)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: a message to a thousand phones costs it a third less."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def log_to_stderr(*, verbose: bool) -> None:
    """Plain lines on standard error."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("alembic", "aioice", "aiortc", "matplotlib", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="minsheng")
def main() -> None:
    """Minsheng 民声: live open days and policy talks, and the public record of what came of them."""


@main.command()
@settings_options
@click.option("--verbose", is_flag=True, help="Log more.")
def serve(verbose: bool, **flags: Any) -> None:
    """Run the service. Migrates the database first."""
    from server.serve import serve_forever

    settings = load_settings(flags)
    log_to_stderr(verbose=verbose)
    sys.exit(run(serve_forever(settings)))


@main.command()
@settings_options
@click.option("--verbose", is_flag=True, help="Log more.")
def demo(verbose: bool, **flags: Any) -> None:
    """Run the service with one activity on air and comments coming in."""
    from server.demo import demo_forever

    settings = load_settings(flags)
    log_to_stderr(verbose=verbose)
    if not verbose:
        logging.getLogger().setLevel(logging.WARNING)
    sys.exit(run(demo_forever(settings)))


@main.command()
@settings_options
def migrate(**flags: Any) -> None:
    """Bring the database to the newest schema."""
    from server.store.migrate import head, migrate_sync

    settings = load_settings(flags)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate_sync(settings.sqlalchemy_url)
    click.echo(f"database at revision {head()}")


@main.group()
def user() -> None:
    """Accounts of staff."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "coordinator", "staff"]), default="staff", show_default=True)
@click.option("--unit", help="Id of the unit, for staff.")
@click.option("--display-name", help="What colleagues see; the user name by default.")
def user_add(name: str, role: str, unit: str | None, display_name: str | None) -> None:
    """Create an account and print its password, once."""
    from server import administration

    password = run(administration.add_user(load_settings(), name, display_name or name, role, unit))
    click.echo(password)


@user.command("password")
@click.argument("name")
def user_password(name: str) -> None:
    """Give an account a new password and print it, once; its sessions end."""
    from server import administration

    click.echo(run(administration.reset_password(load_settings(), name)))


@user.command("token")
@click.argument("name")
def user_token(name: str) -> None:
    """Print a new API token of an account, for scripts."""
    from server import administration

    click.echo(run(administration.new_token(load_settings(), name)))


@user.command("list")
def user_list() -> None:
    """List the accounts."""
    from server import administration

    for line in run(administration.describe_users(load_settings())):
        click.echo(line)


@main.command("publish-token")
@click.argument("activity")
def publish_token(activity: str) -> None:
    """Print the token with which WHIP takes a publisher of ACTIVITY."""
    from server import administration

    click.echo(run(administration.publish_token_of(load_settings(), activity)))


@main.command()
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--activity", help="Activity of the service on this machine, whose token is taken from its data folder.")
@click.option("--whip", help="WHIP address of another service, e.g. https://live.example.cn/whip/k01.")
@click.option("--token", help="Publish token for --whip.")
@click.option("--loop", is_flag=True, help="Begin again at the end.")
@click.option("--reconnect", is_flag=True, help="Try again when the source or the line breaks off, until Ctrl-C.")
def publish(
    source: str, activity: str | None, whip: str | None, token: str | None, loop: bool, reconnect: bool
) -> None:
    """Publish a file, or whatever FFmpeg reads (RTSP, HLS, RTMP, SRT), through WHIP."""
    from server import administration, publish_command

    settings = load_settings()
    if (activity is None) == (whip is None):
        raise click.UsageError("give either --activity or --whip")
    if activity is not None:
        token = run(administration.publish_token_of(settings, activity))
        whip = f"http://{settings.http_host}:{settings.http_port}/whip/{activity}"
    if whip is None or token is None:
        raise click.UsageError("--whip needs --token")
    sys.exit(run(publish_command.publish_file(source, whip, token, loop=loop, reconnect=reconnect)))


@main.command()
@click.argument("activity")
@click.option(
    "--format", "form", type=click.Choice(["docx", "pdf", "xlsx", "csv", "json"]), default="docx", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def digest(activity: str, form: str, output: Path) -> None:
    """Write the digest of ACTIVITY to a file."""
    from server import administration

    output.write_bytes(run(administration.digest_of(load_settings(), activity, form)))
    click.echo(f"{output}: {output.stat().st_size} bytes", err=True)


@main.command("adoption-report")
@click.argument("activity")
@click.option(
    "--format", "form", type=click.Choice(["docx", "pdf", "xlsx", "csv", "json"]), default="docx", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def adoption_report(activity: str, form: str, output: Path) -> None:
    """Write what ACTIVITY published on its suggestions (采纳情况反馈) to a file."""
    from server import administration

    output.write_bytes(run(administration.adoption_report_of(load_settings(), activity, form)))
    click.echo(f"{output}: {output.stat().st_size} bytes", err=True)


@main.command()
@click.argument("receipt")
@click.option("--reason", required=True, metavar="TEXT", help="On which request; it stands in the log.")
def author(receipt: str, reason: str) -> None:
    """Print the phone with which the author of RECEIPT was verified, for a request that the law provides for."""
    from server import administration

    click.echo(run(administration.author(load_settings(), receipt, reason)))


@main.command()
def score() -> None:
    """Score comments: one a line on standard input, one JSON object a line on standard output, in order."""
    from feedback.scorer import Scorer
    from server.sentiment_commands import configured_model

    scorer = Scorer(labels=_or_exit(configured_model, load_settings()))
    # Bytes: a line that is no UTF-8 is scored for what can be read of it, and the order is kept.
    for line in sys.stdin.buffer:
        result = scorer.score_many([line.decode(errors="replace").rstrip("\r\n")])[0]
        answer = {
            "score": result.score,
            "label": result.label.value,
            "kind": result.utterance.value,
            "model": result.model,
            "engine": scorer.engine,
        }
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()


@main.group()
def sentiment() -> None:
    """Models that label comments: train one on labelled texts of your own, and measure them."""


_FILES = click.argument(
    "files", metavar="FILE...", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
_TEXT_COLUMN = click.option("--text-column", default="text", show_default=True, help="Where the text stands.")
_LABEL_COLUMN = click.option("--label-column", default="label", show_default=True, help="Where its label stands.")
_HALF = click.option(
    "--half",
    type=click.Choice(["all", "first", "second"]),
    default="all",
    show_default=True,
    help="Only this half of the texts, parted by their digest: train on one, measure on the other.",
)


@sentiment.command("train")
@_FILES
@click.option("--name", help="What the model is called; MINSHENG_SENTIMENT_MODEL names it.")
@_TEXT_COLUMN
@_LABEL_COLUMN
@_HALF
@click.option(
    "--shipped",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUTPUT",
    help="Instead: make ms2, the model that ships, again from the texts that ship. The same bytes each time.",
)
def sentiment_train(
    files: tuple[Path, ...], name: str | None, text_column: str, label_column: str, half: str, shipped: Path | None
) -> None:
    """Train a model on labelled texts (CSV with a header, or JSON Lines) and keep it in the data folder."""
    from server import sentiment_commands

    if shipped is not None:
        if files or name:
            raise click.UsageError("--shipped takes neither FILE nor --name")
        model, path = _or_exit(sentiment_commands.train_shipped, shipped), shipped
    elif not files or name is None:
        raise click.UsageError("a FILE and --name are needed")
    else:
        data = _or_exit(sentiment_commands.read, files, text_column, label_column, half)
        model, path = _or_exit(sentiment_commands.train, load_settings(), name, data)
    counts = ", ".join(f"{count:,} {label}" for label, count in model.counts.items())
    click.echo(f"{model.full_name}: {counts}; {len(model.weights):,} weights in {path}")


@sentiment.command("evaluate")
@_FILES
@click.option("--model", "models", multiple=True, help="Model to measure; may be repeated. The one in use by default.")
@_TEXT_COLUMN
@_LABEL_COLUMN
@_HALF
def sentiment_evaluate(
    files: tuple[Path, ...], models: tuple[str, ...], text_column: str, label_column: str, half: str
) -> None:
    """Measure models on labelled texts, each with a 95 % interval (bootstrap), next to snownlp alone."""
    from server import sentiment_commands

    if not files:
        raise click.UsageError("a FILE is needed")
    settings = load_settings()
    named = [_or_exit(sentiment_commands.named_model, settings, name) for name in models or (settings.sentiment_model,)]
    click.echo(
        sentiment_commands.measure(named, _or_exit(sentiment_commands.read, files, text_column, label_column, half))
    )


@sentiment.command("kinds")
@_FILES
@click.option(
    "--labels",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with digest (first 16 hex digits of a text's SHA-256), group and kind, as docs/sentiment-kinds.csv.",
)
@_HALF
def sentiment_kinds(files: tuple[Path, ...], labels: Path, half: str) -> None:
    """Measure the rules for kinds of utterance (提问, 建议, 投诉 …) on labelled texts of CSV files."""
    from feedback import kinds

    found = _or_exit(kinds.read_kinds, labels, files, half)
    click.echo(kinds.as_table(found))


def _or_exit(work: Callable[..., T], *arguments: Any) -> T:
    """The result of *work*; what is wrong with its input becomes one line and exit status 2."""
    from feedback.training import BadData

    try:
        return work(*arguments)
    except (BadData, ConfigurationError, OSError) as error:
        click.echo(f"minsheng: {error}", err=True)
        sys.exit(2)


@main.command()
@click.argument("day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--form", type=click.Choice(["online", "in-person", "hybrid"]), default="online", show_default=True)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of an activity of several days.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def deadlines(day: datetime, form: str, until: datetime | None, as_json: bool) -> None:
    """Print the notice and materials deadlines of an activity on DATE, with the days counted."""
    from server.programme.calendar import WorkingCalendar
    from server.programme.deadlines import Form, timetable
    from server.programme.deadlines_text import as_dict, describe

    first: date = day.date()
    last = until.date() if until else first
    if last < first:
        raise click.UsageError("--until is before DATE")
    settings = load_settings()
    calendar = WorkingCalendar()
    if settings.database_url or (settings.data_dir / "minsheng.db").exists():  # else no service ever ran here
        from server import administration

        calendar = WorkingCalendar(run(administration.entered_holidays(settings)))
    table = timetable(calendar, Form(form), first, last)
    click.echo(json.dumps(as_dict(table), ensure_ascii=False, indent=2) if as_json else describe(table))
    if table.problems:
        sys.exit(1)


@main.command("import-plan")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--confirm", is_flag=True, help="Make the changes; without it nothing is changed.")
@click.option("--only", metavar="SLUG", multiple=True, help="Import this activity alone; may be repeated.")
def import_plan(file: Path, confirm: bool, only: tuple[str, ...]) -> None:
    """Read a year's plan from a text FILE: print what is clear, what is not (with its line), and what would change."""
    from server import administration

    words, clear = run(administration.import_plan(load_settings(), file.read_bytes(), confirm=confirm, only=only))
    click.echo(words)
    sys.exit(0 if clear else 1)


@main.command()
@click.argument(
    "what",
    type=click.Choice(
        ["all", "relay", "comments", "delivery", "scorer", "words", "programme", "after", "soak", "hostile", "faults"]
    ),
    default="all",
)
@click.option(
    "--texts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of CSV files: the scorer is compared with snownlp on all their texts too; snownlp takes minutes.",
)
def bench(what: str, texts: Path | None) -> None:
    """Measure this machine and print the table of docs/benchmarks.md. soak takes 13 minutes, hostile 1, faults 4."""
    from server.bench import print_table

    print_table(what, texts)


if __name__ == "__main__":
    main()
