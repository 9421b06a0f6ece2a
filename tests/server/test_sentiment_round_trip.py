"""Hosts correct labels, the unit downloads them, trains a model of its own and measures it: one way round."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from feedback.scorer import Label, Scorer
from server import sentiment_commands
from server.config import Settings
from server.mood import corrections
from server.store.database import Database
from server.store.tables import Entry

NOW = datetime(2023, 9, 27, 6, 0, tzinfo=UTC)
PLACES = ("一号窗口", "二楼大厅", "社区食堂", "公交站", "图书馆", "停车场", "幼儿园", "小公园")
DAYS = ("今天", "昨天", "上周", "周末", "刚才", "前天", "周五", "早上")
# What the people here say, and no list of words knows.
SAID = {
    "positive": ("倍儿敞亮", "一趟就齐活"),
    "negative": ("又抓瞎了", "灯一直黑着"),
    "uncertain": ("九点开门", "挨着邮局"),
}
SPOKEN = [
    (f"{day}{place}{words}", label)
    for label, phrases in SAID.items()
    for words in phrases
    for place in PLACES
    for day in DAYS
]


async def test_corrections_become_a_model_that_is_better_on_what_it_has_not_seen(
    database: Database, tmp_path: Path
) -> None:
    scorer = Scorer()
    async with database.write() as session:
        await session.execute(
            insert(Entry),
            [
                {
                    "activity_id": 1,
                    "kind": "comment",
                    "device": "d" * 32,
                    "key": str(number),
                    "receipt": f"R{number}",
                    "nickname": "网友",
                    "text": text,
                    "at": NOW + timedelta(seconds=number),
                    "state": "shown",
                    "changed_at": NOW,
                    "label": scored.label.value,
                    "model": scored.model,
                    "corrected": label,
                }
                for number, (text, label) in enumerate(SPOKEN)
                for scored in [scorer.score(text)]
            ],
        )
    async with database.read() as session:
        body, count = await corrections(session, 1)
    assert count == len(SPOKEN)
    table = tmp_path / "corrections.csv"
    table.write_bytes(body)

    settings = Settings(data_dir=tmp_path)
    taught = sentiment_commands.read([table], "text", "label", "first")
    model, _ = sentiment_commands.train(settings, "daxing", taught)
    assert len(taught) > 150
    unseen = sentiment_commands.read([table], "text", "label", "second")
    models = [sentiment_commands.named_model(settings, name) for name in ("ms2", "daxing")]
    figures = {
        line.split("|")[1].strip(): float(line.split("|")[3].split("%")[0])
        for line in sentiment_commands.measure(models, unseen).splitlines()[2:]
    }
    assert figures[model.full_name] > 95 > figures[models[0].full_name]

    # With the setting MINSHENG_SENTIMENT_MODEL=daxing the service labels by it, and says so with each score.
    own = Scorer(labels=sentiment_commands.configured_model(Settings(data_dir=tmp_path, sentiment_model="daxing")))
    said = own.score("晚上体育馆灯一直黑着")
    assert said.label is Label.NEGATIVE
    assert said.model == f"snownlp-0.12.3+{model.full_name}"
