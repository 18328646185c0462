import { createHash } from "node:crypto"
import type { Skill, SkillFile } from "../skill.ts"
import type { OwnFields } from "./own-fields.ts"
import type { SpecifiedFields } from "./specification.ts"

interface SkillContent {
  readonly file: string
  readonly body: string
  readonly files: readonly SkillFile[]
  /** The whole Markdown file. */
  readonly markdown: string
}

export function toSkill(
  { file, body, files, markdown }: SkillContent,
  { metadata: _, ...specified }: SpecifiedFields,
  own: OwnFields,
): Skill {
  const hash = createHash("sha256").update(JSON.stringify([markdown, files.map(({ path }) => path)]))
  for (const { content } of files) hash.update(createHash("sha256").update(content).digest())
  return { ...specified, ...own, file, body, files, digest: hash.digest("hex").slice(0, 16) }
}
