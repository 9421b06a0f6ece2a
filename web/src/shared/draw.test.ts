import { describe, expect, it } from "vitest";
import { checkDraw } from "./draw";
import type { DrawRecord, Selection } from "./places";

// Made by `server.programme.draw.draw` with the seed and the public value that it says.
const DRAWN = {
  "commitment": "a8ae6e6ee929abea3afcfc5258c8ccd6f85273e0d4626d26c7279f3250f77c8e",
  "roster": "名额\t媒体记者\t1\n名额\t家长代表\t2\n报名\t媒体记者\t3\n报名\t媒体记者\t6\n报名\t家长代表\t1\n报名\t家长代表\t2\n报名\t家长代表\t4\n报名\t家长代表\t5\n报名\t家长代表\t7\n",
  "roster_sha256": "5d2b7a897cc20990b15d33e931eda6b6c4e95a8c1896971409671f39637112dc",
  "record": {
    "method": "minsheng-draw-1",
    "seed": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "public_source": "2023-10-09上证指数收盘",
    "public_value": "3096.92",
    "quotas": {
      "家长代表": 2,
      "媒体记者": 1
    },
    "roster_sha256": "5d2b7a897cc20990b15d33e931eda6b6c4e95a8c1896971409671f39637112dc",
    "tickets": [
      {
        "number": "4",
        "category": "家长代表",
        "ticket": "4834979b958c0944645e1723e60bbba1b629da5336a2fbccb572cbe3c402e69b",
        "rank": 1,
        "selected": true
      },
      {
        "number": "2",
        "category": "家长代表",
        "ticket": "9e87b582aa4e06c86fe01c9dffe01319a4de3089363fa92ba0e7d3b4cccac65a",
        "rank": 2,
        "selected": true
      },
      {
        "number": "1",
        "category": "家长代表",
        "ticket": "ab89152d3190a3c6b033a75adf6f946f1fbb89395b0fbf4833d57a81e8bed912",
        "rank": 3,
        "selected": false
      },
      {
        "number": "5",
        "category": "家长代表",
        "ticket": "dfb18935f9c31c74b430373b2082df5182ebf032ef519abdcf94f1b4efb208a1",
        "rank": 4,
        "selected": false
      },
      {
        "number": "7",
        "category": "家长代表",
        "ticket": "fe4b8343602e17f3e4005b77a67823c2cfe13838b6efe5f4ddff1af7163a2c3b",
        "rank": 5,
        "selected": false
      },
      {
        "number": "6",
        "category": "媒体记者",
        "ticket": "458ac402709378da2d2718102b911ab80cfe7a03f2e05d581af20c9cf80c39b9",
        "rank": 1,
        "selected": true
      },
      {
        "number": "3",
        "category": "媒体记者",
        "ticket": "73ca8102df6955a9144473c06826aefef57d61ef8c4b6ce935748aabc7b842f2",
        "rank": 2,
        "selected": false
      }
    ],
    "explanation": ""
  }
};

type Draw = Parameters<typeof checkDraw>[0];
type Ticket = DrawRecord["tickets"][number];

const NOTICE: Selection["notices"][number] = {
  version: 1,
  published_at: "",
  sha256: "",
  title: "",
  fields: [
    ["种子承诺值（SHA-256）", DRAWN.commitment],
    ["公共随机值来源", "2023-10-09上证指数收盘"],
  ],
  changes: [],
};
const PUBLISHED: Draw = { ...DRAWN, notices: [NOTICE] };

const withRecord = (change: Partial<DrawRecord>): Draw => ({ ...PUBLISHED, record: { ...DRAWN.record, ...change } });
const withTickets = (change: (tickets: Ticket[]) => Ticket[]): Draw => withRecord({ tickets: change(DRAWN.record.tickets) });
const wrong = async (draw: Draw): Promise<number[]> =>
  (await checkDraw(draw)).flatMap((step, index) => (step.ok ? [] : [index]));

describe("a draw computed again", () => {
  it("agrees with the service's own", async () => {
    expect(await checkDraw(PUBLISHED)).toHaveLength(5);
    expect(await wrong(PUBLISHED)).toEqual([]);
  });

  it("finds a seed that was exchanged", async () => {
    expect(await wrong(withRecord({ seed: "f".repeat(64) }))).toEqual([1, 4]);
  });

  it("finds a commitment that no notice told", async () => {
    const silent = { ...NOTICE, fields: NOTICE.fields.slice(1) };
    expect(await wrong({ ...PUBLISHED, notices: [silent] })).toEqual([1]);
  });

  it("finds another public value, and one that was left out", async () => {
    expect(await wrong(withRecord({ public_value: "3000.00" }))).toEqual([4]);
    expect(await wrong(withRecord({ public_value: "", public_source: "" }))).toEqual([2, 4]);
  });

  it("finds a list that was changed, and who was put in", async () => {
    expect(await wrong({ ...PUBLISHED, roster: `${DRAWN.roster}报名\t家长代表\t8\n` })).toEqual([3, 4]);
  });

  it("finds a result that was changed, and names the number", async () => {
    const draw = withTickets((tickets) => tickets.map((ticket) => (ticket.number === "1" ? { ...ticket, selected: true } : ticket)));
    expect(await wrong(draw)).toEqual([4]);
    expect((await checkDraw(draw))[4]?.detail).toBe("不一致的编号：1");
  });

  it("finds a ticket that was left out or added", async () => {
    expect(await wrong(withTickets((tickets) => tickets.slice(1)))).toEqual([4]);
    expect(await wrong(withTickets((tickets) => [...tickets, ...tickets.slice(0, 1).map((ticket) => ({ ...ticket, number: "99" }))]))).toEqual([4]);
  });

  it("has nothing to check before the draw", async () => {
    expect(await checkDraw({ ...PUBLISHED, record: null })).toEqual([]);
  });
});
