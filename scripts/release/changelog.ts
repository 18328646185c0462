interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** The manifests of the two packages that are published together. */
export interface Manifests {
  readonly gateway: Manifest
  readonly create: Manifest
}

/** Throws unless both packages have the version, and the second one depends on just this version of the first one. */
export function checkVersions(version: string, { gateway, create }: Manifests): void {
  const found = {
    "package.json": gateway.version,
    "create/package.json": create.version,
    "the dependency in create/package.json": create.dependencies["ai-agent-gateway"],
  }
  for (const [place, other] of Object.entries(found)) {
    if (other !== version) throw new Error(`The tag names version ${version}, and ${place} has ${other}.`)
  }
}

/** Returns the section of a version without its heading. Throws if it is missing or empty. */
export function readSection(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find((text) => text.startsWith(`[${version}]`))
  const body = section?.slice(section.indexOf("\n")).trim() ?? ""
  if (body === "") throw new Error(`CHANGELOG.md has no section [${version}] with text.`)
  return body
}
