// Runs command lines one after another in one process, each in a directory and an environment of its own:
// loading the command takes longer than most commands. It is no TypeScript, so that the command can be loaded
// in its compiled form, which is what users run, too; its first argument says where that lies.
const { main } = await import(process.argv[2]);

process.on('disconnect', () => process.exit(0));
process.on('message', (order) => {
  void obey(order).then((ended) => process.send(ended));
});

async function obey({ words, cwd, env }) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const out = capture(process.stdout);
  const err = capture(process.stderr);
  try {
    const code = await main(words);
    return { code, out: out.text(), err: err.text() };
  } finally {
    out.release();
    err.release();
  }
}

function capture(stream) {
  const write = stream.write.bind(stream);
  let text = '';
  stream.write = (chunk, ...rest) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  };
  return {
    text: () => text,
    release: () => {
      stream.write = write;
    },
  };
}
