import { defineConfig } from "vite"

// The page and the agent have the same origin, as they would behind one proxy in production.
export default defineConfig({ server: { proxy: { "/api": "http://127.0.0.1:8000" } } })
