"""`python -m server.programme PLAN.txt`: the plan as JSON on standard output, what to look at on standard error."""

import sys
from pathlib import Path

from server.programme.plan import as_json
from server.programme.plan_reader import read_plan


def main(path: str) -> int:
    """Print the plan. Returns 1 when something in the text was not imported."""
    plan = read_plan(Path(path).read_text("utf-8"))
    sys.stdout.write(as_json(plan))
    for label, remarks in (("未导入", plan.unread), ("请核对", plan.doubts)):
        for remark in remarks:
            sys.stderr.write(f"{label}：第{remark.line}行：{remark.why}：{remark.text}\n")
    return 1 if plan.unread else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
