import { testAttacks } from "./attacks.ts"
import { openCookieGateway, openGateway } from "./clients.ts"

testAttacks({ openGateway, openCookieGateway })
