/**
 * Control characters (C0, DEL, C1), format characters (including the marks that reverse the direction of text) and
 * line separators. Line feeds, tabs and the two joiners that scripts and emoji need are excluded.
 */
const controls = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Replaces every character that could act on a terminal or hide text by its JSON escape (`\u001b`). JSON remains JSON
 * of the same value, because such characters occur only inside its strings.
 */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  )
}
