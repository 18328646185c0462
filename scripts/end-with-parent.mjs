// Preload of `npm run quickstart`: stops this process when its parent, the shell of the npm script, has ended. npm
// forwards SIGTERM to that shell, and many shells end without forwarding it. The server would then keep its port.
// On Windows the id of the parent never changes, so this has no effect.
const parent = process.ppid
const intervalMs = 250

const timer = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(timer)
  process.kill(process.pid, "SIGTERM")
}, intervalMs)
timer.unref()
