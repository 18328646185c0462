/** Returns the targets of a page's links to files of the repository. */
export function links(page: string): readonly string[] {
  const prose = page.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "")
  const targets = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target ?? "")
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

/** Returns the anchors that GitHub gives to a page's headings. */
export function headingAnchors(page: string): readonly string[] {
  const prose = page.replaceAll(/^```[\s\S]*?^```/gm, "")
  const headings = [...prose.matchAll(/^#+ +(.+)$/gm)].map(([, heading]) => heading ?? "")
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  )
}

/** Returns the fenced blocks of a language, except those with `<!-- fragment -->` on the line before. */
export function codeBlocks(page: string, language: string): readonly string[] {
  const fences = page.matchAll(/^(<!-- fragment -->\n)?```(\w+)\n([\s\S]*?)^```/gm)
  return [...fences].flatMap(([, fragment, fence, text = ""]) =>
    fragment === undefined && fence === language ? [text] : [],
  )
}

const importOfNames = /^import (?:type )?\{ ([^}]+) \} from "[^"]+"$/gm

/** Adds the imports of earlier blocks to each block, because readers read a page from its top. */
export function withEarlierImports(blocks: readonly string[]): readonly string[] {
  const known = new Map<string, string>()
  return blocks.map((block) => {
    const imports = [...block.matchAll(importOfNames)].flatMap(([line, names = ""]) =>
      names.split(",").map((name) => [name.replace("type ", "").trim(), line] as const),
    )
    const own = new Set(imports.map(([name]) => name))
    const used = [...known].filter(([name]) => !own.has(name) && new RegExp(`\\b${name}\\b`).test(block))
    for (const [name, line] of imports) known.set(name, line)
    return [...new Set(used.map(([, line]) => line)), block].join("\n")
  })
}
