/**
 * Program of Chromium without windows. It has the engines of Chromium without the browser around them, and opens a
 * page in a quarter of the CPU time.
 */
export const chromiumProgram = "/usr/bin/chromium-headless-shell"
