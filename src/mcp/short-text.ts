/** The text, truncated where a server wrote more than belongs into a log line or a prompt. */
export function shortText(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`
}
