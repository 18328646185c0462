import type { CodeRequest, CodeRunner } from "../../../core/ports/tools/code-runner.ts"
import type { CodeLanguage } from "../../../core/ports/tools/sandbox.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../../core/tools/define-tool.ts"
import { findSkill } from "../find-skill.ts"
import type { Skill } from "../skill.ts"
import { runSkillScriptName } from "../skill-interceptor.ts"
import { createNoSuchFileResult, findFile } from "./read-skill-file.ts"
import { createUnknownSkillResult } from "./unknown-skill.ts"

const variable = "SKILL_DIR"
const maxArguments = 100
const maxArgumentCharacters = 20_000

const languages: Readonly<Record<string, CodeLanguage>> = {
  py: "python",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  sh: "shell",
  bash: "shell",
}

/**
 * Creates the tool that runs a script of a skill in the session's sandbox, in its working directory. The skill's
 * folder is available there as `SKILL_DIR` and cannot be changed.
 */
export function runSkillScriptTool({
  skills,
  runner,
  maxResultBytes,
}: {
  readonly skills: ReadonlyMap<string, Skill>
  readonly runner: CodeRunner
  readonly maxResultBytes: number
}): Tool {
  const isSandboxed = runner.hosts[0]?.sandboxed === true
  return defineTool({
    name: runSkillScriptName,
    description:
      "Runs a script of a skill (Python, JavaScript or shell) and returns its output, its exit " +
      "code and the files that it made or " +
      "changed. It runs in the working directory of code_execute; the skill's folder is " +
      "read-only, its path is in the variable " +
      "SKILL_DIR.",
    properties: {
      skill: { type: "string", description: "Name of the skill." },
      script: { type: "string", description: "Path in the skill's folder, such as scripts/report.py." },
      args: {
        type: "array",
        items: { type: "string" },
        maxItems: maxArguments,
        description: "Arguments of the script.",
      },
      timeout_ms: { type: "integer", minimum: 1, maximum: runner.maxTimeoutMs },
    },
    required: ["skill", "script"],
    timeoutMs: runner.maxTimeoutMs + runner.overheadMs,
    qualifier: ({ skill, script }) => `${skill}/${toPlainPath(String(script))}`,
    // The agent's own policy decides about scripts in a sandbox.
    ...(!isSandboxed && { needsApproval: true }),
    async execute({ skill: name, script, args = [], timeout_ms }, context) {
      const skill = findSkill(skills, String(name))
      if (skill === undefined) return createUnknownSkillResult(skills, String(name))
      const path = toPlainPath(String(script))
      if (path === "SKILL.md" || findFile(skill, path) === null) return createNoSuchFileResult(skill, path)
      const texts = (args as readonly string[]).map(String)
      const characters = texts.reduce((sum, text) => sum + text.length, 0)
      if (characters > maxArgumentCharacters || texts.some((text) => text.includes("\0"))) {
        return createFailure(
          "invalid_arguments",
          `The arguments of a script have at most ${maxArgumentCharacters} characters together, and no NUL character. ` +
            "Write long texts to a file in the working directory, and give the script its path.",
        )
      }
      const language = languages[path.split(".").at(-1)?.toLowerCase() ?? ""]
      if (language === undefined) {
        return createFailure(
          "unknown_language",
          `${path} cannot be run: its name must end with ${Object.keys(languages)
            .map((ending) => `.${ending}`)
            .join(", ")}. Read it, and run its commands another way.`,
        )
      }
      const request: CodeRequest = {
        ...startCommand(language, path, texts),
        folders: [{ name: "skill", variable, files: skill.files }],
        maxResultBytes,
        ...(timeout_ms !== undefined && { timeoutMs: Number(timeout_ms) }),
      }
      return runner.run(request, context)
    },
  })
}

function toPlainPath(path: string): string {
  return path.replace(/^(?:\.\/)+/, "")
}

/**
 * Returns the start command. Node needs more address space than shells leave to their children, so a JavaScript file
 * is imported.
 */
function startCommand(
  language: CodeLanguage,
  path: string,
  args: readonly string[],
): Pick<CodeRequest, "language" | "code"> {
  if (language === "javascript") {
    const code = [
      `const script = process.env.${variable} + "/" + ${JSON.stringify(path)}`,
      `process.argv.splice(1, process.argv.length, script, ...${JSON.stringify(args)})`,
      `import(require("node:url").pathToFileURL(script).href)`,
    ]
    return { language, code: code.join("\n") }
  }
  const words = [`"$${variable}"/${quote(path)}`, ...args.map(quote)]
  const start = language === "python" ? "python3" : `"$(command -v bash || command -v sh)"`
  return { language: "shell", code: `exec ${start} ${words.join(" ")}` }
}

/** Quotes a text for a shell command. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
