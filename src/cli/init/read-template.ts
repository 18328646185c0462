import { readdir, readFile } from "node:fs/promises"
import { join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"

export const templateNames = ["minimal", "tools", "skills", "full", "react"] as const

export type TemplateName = (typeof templateNames)[number]

/** A file of a new project. */
export interface ProjectFile {
  /** Relative to the project's folder, with the system's separators. */
  readonly path: string
  readonly text: string
}

export interface ProjectNames {
  /** Name of the new package. */
  readonly project: string
  /** Version range or address by which npm installs `ai-agent-gateway`. */
  readonly gateway: string
}

/** npm leaves such files out of packages, or gives them a meaning there. */
const renamed: Readonly<Record<string, string>> = {
  gitignore: ".gitignore",
  dockerignore: ".dockerignore",
  "env.example": ".env.example",
}

const templates = fileURLToPath(new URL("../../../templates", import.meta.url))

/** Returns the files of a project: those that all templates share, and the template's own, which win. */
export async function readTemplate(
  template: TemplateName,
  names: ProjectNames,
): Promise<readonly ProjectFile[]> {
  const [common, own] = await Promise.all([readFolder("common"), readFolder(template)])
  const files = new Map([...common, ...own])
  files.set("README.md", (files.get("README.md") ?? "").replaceAll("NAME", names.project))
  files.set("package.json", manifestOf([common, own], names))
  return [...files].map(([path, text]) => ({ path, text }))
}

async function readFolder(name: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(templates, name)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name: file }) => {
        const source = join(parentPath, file)
        const path = source.slice(folder.length + sep.length)
        return [renamed[path] ?? path, await readFile(source, "utf8")] as const
      }),
    ),
  )
}

/** Joins the manifests: scripts and dependencies of the later one are added to those of the earlier one. */
function manifestOf(
  folders: readonly ReadonlyMap<string, string>[],
  { project, gateway }: ProjectNames,
): string {
  const [common = {}, own = {}] = folders.map((files) =>
    objectOf(JSON.parse(files.get("package.json") ?? "{}")),
  )
  const joined = (field: string): JsonObject => ({ ...objectOf(common[field]), ...objectOf(own[field]) })
  const manifest = {
    ...common,
    name: project,
    scripts: joined("scripts"),
    dependencies: sorted({ ...joined("dependencies"), "ai-agent-gateway": gateway }),
    devDependencies: sorted(joined("devDependencies")),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}
