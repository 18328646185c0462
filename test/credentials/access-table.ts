import { type AccessRow, access, type Sender, type Verdict } from "../../src/http/auth/access.ts"

/** The columns of the table of docs/security.md, with their headings. */
export const senders: readonly (readonly [Sender, string])[] = [
  ["sessionToken", "session token"],
  ["userToken", "user token"],
  ["apiKeyForUser", "API key and user"],
  ["apiKey", "API key alone"],
  ["authenticate", "`authenticate`"],
]

const rows: readonly AccessRow[] = Object.values(access)

const shown: Readonly<Record<Verdict, string>> = {
  yes: "✓",
  "401": "401",
  "403": "403",
  noUser: "403 `user_required`",
}

/** Formats the table as docs/security.md has it. */
export function formatAccessTable(): string {
  const lines = rows.map(({ paths, verdicts }) => [
    paths,
    ...senders.map(([sender]) => shown[verdicts[sender]]),
  ])
  const headings = ["paths", ...senders.map(([, heading]) => heading)]
  return [headings, headings.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")
    .replaceAll(" --- ", "---")
}
