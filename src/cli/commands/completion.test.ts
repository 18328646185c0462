import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { listCommandWords } from "../command-words.ts"
import { runInProcess } from "../fixtures/run-in-process.ts"
import { commandNames } from "../help.ts"

const completion = (...argv: readonly string[]) =>
  runInProcess(["completion", ...argv], { cwd: import.meta.dirname })

/** Resolves to the words that bash offers as completions of the last word. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout: script } = await completion("bash")
  const quoted = words.map((word) => `"${word}"`).join(" ")
  const test = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _agent_gateway; echo "\${COMPREPLY[@]}"`
  const reply = execFileSync("bash", ["--norc", "-uc", `${script}\n${test}`], { encoding: "utf8" })
  return reply.split(/\s+/).filter((word) => word !== "")
}

test("bash completes commands, actions and options", async () => {
  expect(await offered("agent-gateway", "se")).toEqual(["sessions"])
  expect(await offered("agent-gateway", "sessions", "")).toEqual([
    ...["list", "show", "events", "compaction", "revoke", "attempts", "attempt"],
  ])
  expect(await offered("agent-gateway", "schedules", "p")).toEqual(["pause"])
  expect(await offered("agent-gateway", "start", "agent.ts", "--po")).toEqual(["--port"])
  expect(await offered("agent-gateway", "start", "agent")).toEqual([])
})

test.each(commandNames)("the options of %s are read from its help", (command) => {
  expect(listCommandWords(command).options).toContain("--help")
})

test("an action or option that the help shows is a word of its command", () => {
  expect(listCommandWords("approvals").actions).toEqual(["list", "audit", "approve", "deny", "answer"])
  expect(listCommandWords("run").options).toEqual(
    expect.arrayContaining(["--json", "--events", "--yes", "--verbose"]),
  )
  expect(listCommandWords("run").actions).toEqual([])
})

test.each(["zsh", "fish"])("the script for %s names each command with its options", async (shell) => {
  const { stdout, code } = await completion(shell)
  expect(code).toBe(0)
  for (const command of commandNames) expect(stdout).toContain(command)
  expect(stdout).toMatch(/allow-tool-type/)
})

test("an unknown shell is a usage error", async () => {
  expect(await completion("tcsh")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("bash, zsh, fish"),
  })
  expect(await completion()).toMatchObject({ code: 2, stderr: expect.stringContaining("SHELL is missing") })
})
