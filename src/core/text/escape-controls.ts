/**
 * Control characters (C0, DEL, C1), format characters (including the marks that reverse the direction of text), line
 * separators, and characters without a width, in which text can hide. Line feeds and tabs are excluded, and so are the
 * joiners and variation selectors that scripts and emoji need.
 */
const acting =
  /(?![\n\t\p{Join_Control}\p{Variation_Selector}])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
/** Joiners that join nothing: after ASCII, or after another joiner. */
const strayJoiner = /(?<=[\0-\x7f\p{Join_Control}])\p{Join_Control}/u
/** Variation selectors that select nothing: after another one or a joiner, and those of ideographs elsewhere. */
const straySelector =
  /(?<=[\p{Join_Control}\p{Variation_Selector}])\p{Variation_Selector}|(?<!\p{Ideographic})[\u{e0100}-\u{e01ef}]/u
const controls = new RegExp([acting, strayJoiner, straySelector].map(({ source }) => source).join("|"), "gu")

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
