// Registers, looks up, corrects and reads counts through clients whose types openapi-typescript has generated.
// Arguments: the URLs of register and board, the keys of booth and officer, a NIK. Prints what it was answered.
import createClient from "openapi-fetch";

import type { paths as BoardPaths } from "./board.js";
import type { components, paths } from "./register.js";

declare const process: { argv: string[]; exit(code: number): never };
type Person = components["schemas"]["RegisterBody"];

const [registerUrl = "", boardUrl = "", boothKey = "", officerKey = "", nik = ""] = process.argv.slice(2);
const booth = createClient<paths>({ baseUrl: registerUrl, headers: { Authorization: `Bearer ${boothKey}` } });
const officer = createClient<paths>({ baseUrl: registerUrl, headers: { Authorization: `Bearer ${officerKey}` } });
const board = createClient<BoardPaths>({ baseUrl: boardUrl });

function dataOf<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const person: Person = { name: "Peserta Contoh", nik, region: "31.71.01.1001", consent: "2026-01" };
const registration = { params: { header: { "Idempotency-Key": nik } }, body: person };
const first = await booth.POST("/v1/participants", registration);
const again = await booth.POST("/v1/participants", registration);
const participant_id = dataOf(first).participant_id;

const found = await officer.POST("/v1/participants/lookup", { body: { nik } });
const tag = found.response.headers.get("ETag") ?? "";
const correct = (key: string, name: string) =>
  booth.POST("/v1/participants/{participant_id}/correct", {
    params: { path: { participant_id }, header: { "Idempotency-Key": `${nik}-${key}`, "If-Match": tag } },
    body: { name },
  });
const corrected = await correct("first", "Nama Baru");
const refused = await correct("second", "Nama Lain");

type Rows = { region: string; counts: { registered?: number } }[];
const counts = await board.GET("/v1/counts", {});
const rows = (dataOf(counts) as unknown as { rows: Rows }).rows;

console.log(
  JSON.stringify({
    participant_id,
    replayed: dataOf(again).participant_id === participant_id && again.response.headers.get("Idempotent-Replayed"),
    found: dataOf(found).participant_id,
    phone: dataOf(found).phone,
    revision: dataOf(corrected).revision,
    refused: refused.error?.status,
    registered: rows.find((row) => row.region === "31")?.counts.registered,
  }),
);
