import { text } from "node:stream/consumers"
import { defineConfig, loadEnv, type Plugin } from "vite"

const gateway = "http://127.0.0.1:8000"

/**
 * Stands for your own server: it knows who is signed in, has the API key, and gives the page tokens of this person.
 * Your server does the same for its own users.
 */
function issueTokens(apiKey: string): Plugin {
  const issue = async (body: string) => {
    const { scope, session_id } = JSON.parse(body)
    const issued = await fetch(`${gateway}/api/chat/init`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: apiKey, user_id: "me", scope, session_id }),
    })
    return { status: issued.status, json: await issued.text() }
  }
  return {
    name: "issue-tokens",
    configureServer({ middlewares }) {
      middlewares.use("/token", (request, response, next) => {
        // A page of another site cannot send this type without a preflight, which is not answered for it.
        if (request.headers["content-type"] !== "application/json") return next()
        const failed = { status: 502, json: '{"detail":"The gateway does not respond. Run npm start."}' }
        text(request)
          .then(issue)
          .catch(() => failed)
          .then(({ status, json }) => {
            response.writeHead(status, { "content-type": "application/json" })
            response.end(json)
          })
      })
    },
  }
}

// The page and the agent have the same origin, as they would behind one proxy in production.
export default defineConfig(({ mode }) => {
  const { API_KEYS = "dev" } = loadEnv(mode, process.cwd(), "API_KEYS")
  const [apiKey = ""] = API_KEYS.split(",")
  return { plugins: [issueTokens(apiKey)], server: { proxy: { "/api": gateway } } }
})
