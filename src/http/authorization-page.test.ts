import { expect, it } from "vitest"
import { formatAuthorizationPage } from "./authorization-page.ts"

it("shows names as text, whatever characters they have", async () => {
  const principal = { tenant: "app_default", userId: '"><script>alert(1)</script>\u202e' }
  const page = String(await formatAuthorizationPage("<b>mail</b>", principal))
  expect(page).not.toMatch(/<script|<b>/)
  expect(page).not.toContain("\u202e")
  expect(page).toContain("&lt;script&gt;")
  expect(page).toContain("&lt;b&gt;mail&lt;/b&gt;")
})

it("names all users if the gateway requested the access for all", async () => {
  const page = String(await formatAuthorizationPage("mail", null))
  expect(page).toContain("<strong>all of its users</strong>")
  expect(page).toContain("Continue only if you operate this gateway.")
})
