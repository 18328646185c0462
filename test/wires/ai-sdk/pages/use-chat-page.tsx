import { createRoot } from "react-dom/client"
import { Page } from "../../../../examples/22-use-chat/page.tsx"

const container = document.createElement("div")
document.body.append(container)
createRoot(container).render(<Page api="/api/ai-sdk/chat" headers={{ authorization: "Bearer suite-key" }} />)
