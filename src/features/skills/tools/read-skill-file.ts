import type { Tool, ToolResult } from "../../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../../core/tools/define-tool.ts"
import { findSkill } from "../find-skill.ts"
import type { Skill, SkillFile } from "../skill.ts"
import { readSkillFileName } from "../skill-interceptor.ts"
import { createTextPage } from "./text-page.ts"
import { createUnknownSkillResult } from "./unknown-skill.ts"

const maxListedFiles = 50
const maxImageBytes = 3 * 1024 * 1024

/**
 * Creates the tool that reads a file of a skill from the time of loading. Nothing is read from the disk, so no path
 * and no link leads out of the skill's folder.
 */
export function readSkillFileTool({
  skills,
  pageBytes,
}: {
  readonly skills: ReadonlyMap<string, Skill>
  /** Maximum bytes of one page of text. */
  readonly pageBytes: number
}): Tool {
  return defineTool({
    name: readSkillFileName,
    description:
      "Reads a file of a skill, such as references/guide.md. Long files come in pages: call again " +
      "with next_offset for the next one.",
    properties: {
      skill: { type: "string", description: "Name of the skill." },
      path: { type: "string", description: "Path in the skill's folder." },
      offset: { type: "integer", minimum: 0, description: "Bytes to skip. Default 0." },
    },
    required: ["skill", "path"],
    readOnly: true,
    needsApproval: false,
    async execute({ skill: name, path, offset = 0 }) {
      const skill = findSkill(skills, String(name))
      if (skill === undefined) return createUnknownSkillResult(skills, String(name))
      const file = findFile(skill, String(path))
      return file === null
        ? createNoSuchFileResult(skill, String(path))
        : show(file, Number(offset), pageBytes)
    },
  })
}

/** Returns a file. The instructions can be read like a file, because they may be longer than a page. */
export function findFile(skill: Skill, path: string): SkillFile | null {
  const plain = path.replace(/^(?:\.\/)+/, "")
  if (plain === "SKILL.md") return { path: plain, content: Buffer.from(skill.body) }
  return skill.files.find((file) => file.path === plain) ?? null
}

export function createNoSuchFileResult({ name, files }: Skill, path: string): ToolResult {
  const paths = files.slice(0, maxListedFiles).map((file) => file.path)
  const more = files.length > paths.length ? ", …" : ""
  return createFailure(
    "file_not_found",
    `The skill ${name} has no file ${JSON.stringify(path.slice(0, 200))}. Paths are relative to the skill's folder. ` +
      (files.length === 0
        ? "It has no files beside its instructions."
        : `Its files are: ${paths.join(", ")}${more}.`),
  )
}

function show({ path, content }: SkillFile, offset: number, pageBytes: number): ToolResult {
  const mediaType = findImageType(content)
  if (mediaType !== null && content.length <= maxImageBytes) {
    const data = Buffer.from(content).toString("base64")
    const header = { type: "text", text: JSON.stringify({ path, size: content.length }) } as const
    return {
      type: "content",
      content: [header, { type: "image", source: { type: "base64", mediaType, data } }],
    }
  }
  if (!isText(content)) {
    return createFailure(
      "binary_file",
      `${path} is a binary file of ${content.length} bytes, which cannot be shown as text. Let a script read it.`,
    )
  }
  const { text, nextOffset } = createTextPage(content, offset, pageBytes)
  const header = JSON.stringify({ path, size: content.length, offset, next_offset: nextOffset })
  return {
    type: "content",
    content: [
      { type: "text", text: header },
      { type: "text", text },
    ],
  }
}

function isText(content: Uint8Array): boolean {
  if (content.includes(0)) return false
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(content)
    return true
  } catch {
    return false
  }
}

const signatures: readonly (readonly [mediaType: string, start: readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
]

function findImageType(content: Uint8Array): string | null {
  const found = signatures.find(([, start]) => start.every((byte, at) => content[at] === byte))
  return found?.[0] ?? null
}
