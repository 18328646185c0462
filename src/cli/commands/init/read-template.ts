import { readdir, readFile } from "node:fs/promises"
import { join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { GatewayPackage } from "./find-gateway-package.ts"
import { minimumNode } from "./find-older-node.ts"

export const templateNames = ["minimal", "tools", "skills", "full", "react"] as const

export type TemplateName = (typeof templateNames)[number]

/** A file of a new project. */
export interface ProjectFile {
  /** Path relative to the project's folder, with the system's separators. */
  readonly path: string
  readonly text: string
}

export interface ProjectNames {
  /** Name of the new package. */
  readonly project: string
  readonly gateway: GatewayPackage
  /** If true, npm installs a Node into the project, because the machine's own is too old. */
  readonly bringsNode: boolean
}

/** npm leaves these files out of packages, or gives them a special meaning there. */
const renamed: Readonly<Record<string, string>> = {
  gitignore: ".gitignore",
  dockerignore: ".dockerignore",
  "env.example": ".env.example",
}

const templates = fileURLToPath(new URL("../../../../templates", import.meta.url))

/** Folders with the files of a project. A file of a later folder replaces that of an earlier one. */
const layers: Readonly<Record<TemplateName, readonly string[]>> = {
  minimal: ["common", "minimal"],
  tools: ["common", "tools"],
  skills: ["common", "skills"],
  full: ["common", "tools", "full"],
  react: ["common", "tools", "react"],
}

/** Returns the files of a project. */
export async function readTemplate(
  template: TemplateName,
  names: ProjectNames,
): Promise<readonly ProjectFile[]> {
  const folders = await Promise.all(layers[template].map(readFolder))
  const files = new Map(folders.flatMap((folder) => [...folder]))
  files.set("README.md", joinReadmes(folders).replaceAll("NAME", names.project))
  files.set("package.json", joinManifests(folders, names))
  files.set("Dockerfile", createDockerfile(files.get("Dockerfile") ?? "", names))
  return [...files].map(([path, text]) => ({ path, text }))
}

const copyManifests = "COPY package.json package-lock.json ./"

/** Copies a package file into the image before npm installs it. */
function createDockerfile(text: string, { gateway: { file } }: ProjectNames): string {
  if (file === null) return text
  // In this form, names may contain spaces.
  const paths = ["package.json", "package-lock.json", file.name, "./"].map((path) => JSON.stringify(path))
  return text.replace(copyManifests, `COPY [${paths.join(", ")}]`)
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

/** Joins the READMEs: a template adds its sections to those of all projects. */
function joinReadmes(folders: readonly ReadonlyMap<string, string>[]): string {
  return folders.flatMap((files) => files.get("README.md") ?? []).join("\n")
}

/** The Node that npm installs into a project. */
const nodeRange = "^24.21.0"

/** Joins the manifests: scripts and dependencies of a later one are added to those of the earlier ones. */
function joinManifests(
  folders: readonly ReadonlyMap<string, string>[],
  { project, gateway, bringsNode }: ProjectNames,
): string {
  const manifests = folders.map((files) => toObject(JSON.parse(files.get("package.json") ?? "{}")))
  const joinField = (field: string): JsonObject =>
    Object.assign({}, ...manifests.map((each) => toObject(each[field])))
  const manifest = {
    ...manifests[0],
    name: project,
    scripts: joinField("scripts"),
    dependencies: sortMembers({ ...joinField("dependencies"), "ai-agent-gateway": gateway.spec }),
    devDependencies: sortMembers({
      ...joinField("devDependencies"),
      ...(bringsNode && { node: nodeRange }),
    }),
    // npm warns of an older Node in each command. It must not refuse it, because the remedy is a command of npm.
    devEngines: {
      runtime: { name: "node", version: `>=${minimumNode}`, onFail: bringsNode ? "ignore" : "warn" },
    },
    // The package installs Node by a script, which npm does not run for packages that are not named here.
    ...(bringsNode && { allowScripts: { node: true } }),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

function sortMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}
