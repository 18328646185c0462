/**
 * Control characters (C0, DEL, C1), format characters (among them the marks that reverse the direction of text) and
 * line separators. Line feeds, tabs and the two joiners that scripts and emoji need are not among them.
 */
const controls = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Makes every character visible that could act on a terminal or hide what a text says, by its JSON escape (`\u001b`).
 * JSON stays JSON of the same value, because such characters stand only inside its strings.
 */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  )
}
