import { expect, test } from "vitest";
import { restreamProblem } from "./recording";

test("what kept a platform from being reached is said in words", () => {
  expect(restreamProblem("Connection refused")).toContain("端口");
  expect(restreamProblem("Connection timed out")).toContain("没有应答");
  expect(restreamProblem("Input/output error")).toContain("推流码");
  expect(restreamProblem("Name or service not known")).toContain("地址");
  expect(restreamProblem("something new")).toBe("请检查地址和推流码");
});
