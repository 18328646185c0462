import { expect, test } from "vitest"
import { codesInSource, isInSource } from "./contract/code-scan.ts"
import { documentedCodes } from "./contract/reference-page.ts"

test("docs/http-api.md lists the codes of the source, and no others", () => {
  // These errors are thrown inside the process and never reach a client.
  const internal = new Set([
    "answered",
    "cancelled",
    "lease_lost",
    "steered",
    "withdrawn",
    // The log keeps this code for a model call that was announced and never sent.
    "not_sent",
    "invalid_path",
    "build_failed",
    "unusable_schema",
    // A gateway that fails to start reports this code. It is in docs/plugins.md.
    "plugin_failed",
    "invalid_folder",
    // Headless runs and skills report these codes. They are in docs/headless.md.
    "state_locked",
    "state_unreadable",
    "state_too_large",
    "job_id_reused",
    "incomplete",
    "max_tokens",
    "heartbeat_running",
    // Codes of the routes of schedules. They are in docs/schedules.md.
    "invalid_schedule",
    "schedule_not_found",
    "schedule_exists",
    "schedule_running",
    "schedule_busy",
    "too_many_schedules",
    // MarkdownSyncManager rejects with these codes. They are in docs/memory.md.
    "sync_locked",
    "sync_state_unreadable",
    "too_many_files",
    // Code of a delivery that can never succeed. It is in docs/delivery.md.
    "undeliverable",
    // Zod's code of an issue. Clients receive `validation_error`.
    "invalid_type",
  ])
  const documented = documentedCodes()
  expect(codesInSource().filter((code) => !documented.has(code) && !internal.has(code))).toEqual([])
  expect([...documented].filter((code) => !isInSource(code))).toEqual([])
})
