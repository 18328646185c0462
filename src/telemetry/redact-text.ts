/** A log line is for reading. */
const maxCharacters = 16_384

/**
 * What a secret looks like wherever it stands, with what is put in its place. Each pattern looks at a character a
 * bounded number of times, whatever the text: it may come from an attacker.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  // Anthropic, OpenAI, Stripe.
  [/\b(sk|rk)-[\w-]{8,}|\b[sr]k_(live|test)_\w{8,}/g, "[redacted]"],
  // GitHub, Slack, AWS, Google, and this gateway's own nonces, which let one answer an approval.
  [
    /\b(gh[opsur]_\w{16,}|github_pat_\w{16,}|xox[a-z]-[\w-]{8,}|AKIA[A-Z\d]{16}|AIza[\w-]{30,})/g,
    "[redacted]",
  ],
  [/\bnonce_\w{8,}/g, "[redacted]"],
  [/\b(Bearer) +[\w.~+/-]{8,}=*/gi, "$1 [redacted]"],
  // Not the words "basic authentication".
  [/\b(Basic) +(?=\S*[A-Z\d=])[\w+/]{8,}=*/g, "$1 [redacted]"],
  // JSON Web Tokens: `eyJ` is the beginning of every JSON object in base64url.
  [/(?<![\w-])eyJ[\w-]{4,}(\.[\w-]*)+/g, "[redacted]"],
  // The password of an address: postgres://user:password@host.
  [/(:\/\/[^\s:/@]{0,256}:)[^\s/@]{1,256}@/g, "$1[redacted]@"],
  // Parameters of an address, and members of JSON that an error message quotes.
  [/\b(\w{0,40}(?:api_?key|token|secret|password|passwd))(=|" ?: ?")[^\s"&;]+/gi, "$1$2[redacted]"],
]

/** The text without what looks like a secret. */
export function withoutSecrets(text: string): string {
  return patterns.reduce((value, [pattern, replacement]) => value.replace(pattern, replacement), text)
}

/** The same, cut to a length that a log can bear. */
export function redactText(text: string): string {
  const left = text.length - maxCharacters
  const clean = withoutSecrets(left > 0 ? text.slice(0, maxCharacters) : text)
  return left > 0 ? `${clean}… [${left} more characters]` : clean
}
