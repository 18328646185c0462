/**
 * Patterns of secrets, each with its replacement. Each pattern reads a character a bounded number of times, because
 * the text may come from an attacker.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  // Keys of Anthropic, OpenAI and Stripe.
  [/\b(sk|rk)-[\w-]{8,}|\b[sr]k_(live|test)_\w{8,}/g, "[redacted]"],
  // GitHub, GitLab, Slack, AWS, Google, npm, Hugging Face, and this gateway's own nonces, which allow their holder to
  // answer an approval.
  [
    /\b(gh[opsur]_\w{16,}|github_pat_\w{16,}|xox[a-z]-[\w-]{8,}|AKIA[A-Z\d]{16}|AIza[\w-]{30,}|glpat-[\w-]{16,}|npm_\w{30,}|hf_\w{30,})/g,
    "[redacted]",
  ],
  [/\bnonce_\w{8,}/g, "[redacted]"],
  [/\b(Bearer) +[\w.~+/-]{8,}=*/gi, "$1 [redacted]"],
  // This does not match the words "basic authentication".
  [/\b(Basic) +(?=\S*[A-Z\d=])[\w+/]{8,}=*/g, "$1 [redacted]"],
  // JSON Web Tokens. `eyJ` is the start of every JSON object in base64url.
  [/(?<![\w-])eyJ[\w-]{4,}(\.[\w-]*)+/g, "[redacted]"],
  // The password in a URL, such as postgres://user:password@host.
  [/(:\/\/[^\s:/@]{0,256}:)[^\s/@]{1,256}@/g, "$1[redacted]@"],
  // Private keys in PEM, including truncated ones.
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, "[redacted]"],
  // Headers for authentication.
  [/\b(api-key|(?:set-)?cookie)(: *)[^\s,;]{8,}/gi, "$1$2[redacted]"],
  // Query parameters of URLs, and JSON members that an error message quotes.
  [
    /\b(\w{0,40}(?:api_?key|access_?key|token|secret|password|passwd))(=|"\s{0,40}:\s{0,40}")[^\s"&;]+/gi,
    "$1$2[redacted]",
  ],
]

/** Replaces everything in the text that looks like a key, a token or a password. */
export function removeSecrets(text: string): string {
  return patterns.reduce((value, [pattern, replacement]) => value.replace(pattern, replacement), text)
}
