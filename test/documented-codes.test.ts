import { expect, test } from "vitest"
import { codesInSource, isInSource } from "./contract/code-scan.ts"
import { documentedCodes } from "./contract/reference-page.ts"

test("docs/http-api.md lists the codes of the source, and no others", () => {
  // These are thrown within the process and become no answer.
  const internal = new Set([
    "answered",
    "cancelled",
    "lease_lost",
    "steered",
    "withdrawn",
    "invalid_path",
    "build_failed",
    "unusable_schema",
    "callback_timeout",
    // A tool receives these as the outcome of its child session; docs/child-sessions.md has them.
    "child_not_started",
    "child_timeout",
    // A gateway that does not start reports it; docs/plugins.md has it.
    "plugin_failed",
    "invalid_folder",
    // Headless runs and skills report these; docs/headless.md has them.
    "state_locked",
    "state_unreadable",
    "state_too_large",
    "job_id_reused",
    "incomplete",
    "max_tokens",
    "heartbeat_running",
    // The routes of schedules; docs/schedules.md has them.
    "invalid_schedule",
    "schedule_not_found",
    "schedule_exists",
    "schedule_running",
    "schedule_busy",
    "too_many_schedules",
    // MarkdownSyncManager rejects with these; docs/memory.md has them.
    "sync_locked",
    "sync_state_unreadable",
    "too_many_files",
    // A delivery that can never succeed; docs/delivery.md has it.
    "undeliverable",
  ])
  const documented = documentedCodes()
  expect(codesInSource().filter((code) => !documented.has(code) && !internal.has(code))).toEqual([])
  expect([...documented].filter((code) => !isInSource(code))).toEqual([])
})
