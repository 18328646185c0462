import { removeSecrets } from "../../core/text/remove-secrets.ts"

/** Maximum characters of a log line. */
const maxCharacters = 16_384

/** Replaces secrets in the text, and truncates it to a length that suits a log. */
export function redactText(text: string): string {
  const left = text.length - maxCharacters
  const clean = removeSecrets(left > 0 ? text.slice(0, maxCharacters) : text)
  return left > 0 ? `${clean}… [${left} more characters]` : clean
}
