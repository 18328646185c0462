import { expect, test } from "vitest"
import type { CodeRequest, CodeRunner } from "../../../core/ports/tools/code-runner.ts"
import type { SandboxHost } from "../../../core/ports/tools/sandbox.ts"
import type { ToolContext } from "../../../core/ports/tools/tool.ts"
import type { Skill } from "../skill.ts"
import { runSkillScriptTool } from "./run-skill-script.ts"

const file = (path: string) => ({ path, content: Buffer.from("") })
const skill = {
  name: "a",
  file: "/skills/a/SKILL.md",
  digest: "d",
  files: [file("run.py"), file("it's.sh"), file("x.mjs"), file("y.rb")],
}
const sandboxed: SandboxHost = { name: "docker", sandboxed: true, languages: ["python"] }

function toolOn(host: SandboxHost) {
  const requests: CodeRequest[] = []
  const runner: CodeRunner = {
    hosts: [host],
    maxTimeoutMs: 600_000,
    overheadMs: 1,
    async run(request) {
      requests.push(request)
      return { type: "json", value: {} }
    },
  }
  const skills = new Map([["a", skill as unknown as Skill]])
  return { tool: runSkillScriptTool({ skills, runner, maxResultBytes: 1_000 }), requests }
}

test("arguments reach the script unchanged, with any characters", async () => {
  const { tool, requests } = toolOn(sandboxed)
  await tool.execute({ skill: "a", script: "run.py", args: ["it's", "$(id)", ""] }, {} as ToolContext)
  await tool.execute({ skill: "a", script: "./it's.sh", timeout_ms: 5 }, {} as ToolContext)
  await tool.execute({ skill: "a", script: "x.mjs", args: ['"'] }, {} as ToolContext)
  expect(requests).toMatchObject([
    { language: "shell", code: `exec python3 "$SKILL_DIR"/'run.py' 'it'\\''s' '$(id)' ''` },
    {
      language: "shell",
      code: `exec "$(command -v bash || command -v sh)" "$SKILL_DIR"/'it'\\''s.sh'`,
      timeoutMs: 5,
    },
    { language: "javascript", code: expect.stringContaining('...["\\""]') },
  ])
  expect(requests[0]?.folders).toEqual([{ name: "skill", variable: "SKILL_DIR", files: skill.files }])
})

test.each([
  [{ skill: "b", script: "run.py" }, "unknown_skill"],
  [{ skill: "a", script: "../run.py" }, "file_not_found"],
  [{ skill: "a", script: "SKILL.md" }, "file_not_found"],
  [{ skill: "a", script: "y.rb" }, "unknown_language"],
  [{ skill: "a", script: "run.py", args: ["\0"] }, "invalid_arguments"],
  [{ skill: "a", script: "run.py", args: ["x".repeat(20_001)] }, "invalid_arguments"],
])("%o is refused with %s", async (input, code) => {
  const { tool, requests } = toolOn(sandboxed)
  expect(await tool.execute(input, {} as ToolContext)).toMatchObject({ type: "error", code })
  expect(requests).toEqual([])
})

test("a person must allow each script outside of a sandbox, and a grant covers one script", () => {
  const { tool } = toolOn({ ...sandboxed, name: "subprocess", sandboxed: false })
  expect(tool.needsApproval).toBe(true)
  expect(toolOn(sandboxed).tool.needsApproval).toBeUndefined()
  expect(tool.qualifier?.({ skill: "a", script: "./run.py" })).toBe("a/run.py")
})
