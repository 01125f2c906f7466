// Loaded in front of a server that a test starts, with a message channel to the test: when the test's process dies, of whatever cause, the
// channel closes and the server stops. Its workers inherit the option but not the channel, and end with their server.
if (process.argv[2] === 'serve' && process.connected) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Listening for its end would keep the process running.
  process.channel?.unref()
}
