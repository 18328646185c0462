/** Returns the text, truncated if a server wrote too much for a log line or a prompt. */
export function truncateText(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`
}
