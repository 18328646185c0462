// Prints the lines of a file that are longer than 80 characters.
import { readFileSync } from "node:fs"

const [file] = process.argv.slice(2)
for (const line of readFileSync(file, "utf8").split("\n")) if (line.length > 80) console.log(line)
