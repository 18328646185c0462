/**
 * Files that only `npm run test:long` runs, because they take minutes or install large programs. For each, the tests
 * of `npm test` that cover the same behavior in a shorter form.
 */
export const longFiles: Readonly<Record<string, readonly string[]>> = {
  "test/crash/steps-between-sessions.test.ts": ["test/crash/children.test.ts", "test/crash/crash.test.ts"],
  "test/documentation/site.test.ts": ["test/documentation.test.ts"],
  "test/end-to-end/claude-agent.test.ts": [
    "test/end-to-end/runners.test.ts",
    "src/adapters/runners/claude-agent/calls/call-gate.test.ts",
  ],
  "test/end-to-end/openapi-document.test.ts": ["test/end-to-end/contract.test.ts"],
  "test/hostile-load/worst-requests.test.ts": ["test/hostile-load/hostile-load.test.ts"],
  "test/real-model/real-model.test.ts": ["test/end-to-end/aimock.test.ts"],
  "test/rolling-restart/rolling-restart.test.ts": ["src/kernel/sessions/rolling-upgrade.test.ts"],
  "test/sandbox/bubblewrap-ordinary-user.test.ts": ["test/sandbox/bubblewrap.test.ts"],
  "test/sandbox/plots.test.ts": ["src/features/sandbox/code-execution/run-code.test.ts"],
  "test/sandbox/unprivileged-container.test.ts": ["test/sandbox/subprocess.test.ts"],
  "test/skills/specification.test.ts": ["src/features/skills/load/load-skills.test.ts"],
  "test/soak/soak.test.ts": ["test/hostile-load/hostile-load.test.ts"],
  "test/wires/openai/python-client.test.ts": [
    "test/wires/openai/responses.test.ts",
    "test/wires/openai/tools.test.ts",
    "test/wires/openai/chat-completions.test.ts",
  ],
}

/** Files that test more cases of the same kind in `npm run test:long` than in `npm test`. They call `longOrShort`. */
export const filesOfTwoForms: readonly string[] = [
  "test/crash/tasks.test.ts",
  "test/end-to-end/endless-conversation.test.ts",
  "test/sandbox/docker.test.ts",
  "test/wires/ag-ui/random-logs.test.ts",
  "test/wires/ai-sdk/random-logs.test.ts",
  "test/wires/openai/random-logs.test.ts",
]

const isLong = process.env.AGENT_GATEWAY_TESTS === "long"

/** Returns the first value in `npm run test:long`, and the second one in `npm test`. */
export function longOrShort<T>(long: T, short: T): T {
  return isLong ? long : short
}
