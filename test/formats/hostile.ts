/** Makes archives and pickles that no honest program writes, byte by byte. */
import { crc32 } from '../../backend/formats/crc.ts';

export interface ZipRecord {
  name: string;
  data: Uint8Array;
  flags?: number;
  method?: number;
  crc?: number;
  /** The name in the local header, where it is another. */
  localName?: string;
  /** The size that both headers claim. */
  claims?: number;
}

/** A ZIP archive of the records, without ZIP64. */
export function zip(records: ZipRecord[]): Buffer {
  const parts: Buffer[] = [], directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, flags = 0, method = 0, crc = crc32(data), localName = name, claims = data.length } of records) {
    const header = Buffer.alloc(26);
    header.writeUInt16LE(20, 0);
    header.writeUInt16LE(flags, 2);
    header.writeUInt16LE(method, 4);
    header.writeUInt32LE(crc, 10);
    header.writeUInt32LE(method === 0 ? claims : data.length, 14);
    header.writeUInt32LE(claims, 18);
    const lengths = (text: string) => header.writeUInt16LE(Buffer.byteLength(text), 22);
    lengths(localName);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), header, Buffer.from(localName), data]);
    lengths(name);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), header, tail, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** A pickle written as its opcodes, one character a byte. */
export const pickle = (...opcodes: string[]): Buffer => Buffer.from(`\x80\x02${opcodes.join('')}.`, 'latin1');

export const text = (value: string): string => `X${int32(Buffer.byteLength(value))}${Buffer.from(value).toString('latin1')}`;
export const int = (value: number): string => (value >= 0 && value < 256 ? `K${String.fromCharCode(value)}` : `J${int32(value)}`);
export const global = (module: string, name: string): string => `c${module}\n${name}\n`;

function int32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString('latin1');
}

/** A call of torch's own tensor builder over storage `key`. */
export function tensor({ key = '0', type = 'FloatStorage', elements = 4, offset = 0, shape = [4], strides = [1] }: { key?: string; type?: string; elements?: number; offset?: number; shape?: number[]; strides?: number[] } = {}): string {
  const tuple = (values: number[]) => `(${values.map(int).join('')}t`;
  return `${global('torch._utils', '_rebuild_tensor_v2')}((${text('storage')}${global('torch', type)}${text(key)}${text('cpu')}${int(elements)}tQ${int(offset)}${tuple(shape)}${tuple(strides)}\x89${global('collections', 'OrderedDict')})RtR`;
}

/** A dict of the given pairs; keys are texts, values opcodes. */
export const dict = (pairs: Record<string, string>): string => `}(${Object.entries(pairs).map(([key, value]) => text(key) + value).join('')}u`;

/** A checkpoint with the given pickle and one storage of four floats. */
export const checkpoint = (data: Buffer, change: Partial<ZipRecord> = {}, storage: Partial<ZipRecord> = {}): Buffer => zip([
  { name: 'm/data.pkl', data, ...change },
  { name: 'm/byteorder', data: Buffer.from('little') },
  { name: 'm/data/0', data: Buffer.from(Float32Array.of(1, 2, 3, 4).buffer), ...storage },
]);

/** Calls that public reports against pickle scanners have used to run code, open files or reach the network. */
export const dangerousCalls = [
  'os.system', 'posix.system', 'nt.system', 'os.popen', 'os.execv', 'os.spawnl', 'subprocess.Popen', 'subprocess.check_output', 'pty.spawn', 'commands.getoutput',
  'builtins.eval', 'builtins.exec', 'builtins.compile', 'builtins.open', 'builtins.getattr', 'builtins.__import__', '__builtin__.eval', '__builtin__.execfile',
  'runpy.run_path', 'runpy._run_code', 'importlib.import_module', 'code.InteractiveInterpreter.runcode', 'timeit.timeit', 'cProfile.runctx', 'profile.run', 'trace.Trace.run', 'bdb.Bdb.run', 'pdb.run', 'doctest.debug_script',
  'asyncio.unix_events._UnixSubprocessTransport._start', 'multiprocessing.util.spawnv_passfds', 'concurrent.futures.ProcessPoolExecutor', 'ctypes.CDLL', 'cffi.FFI.dlopen',
  'numpy.testing._private.utils.runstring', 'numpy.f2py.crackfortran.getlincoef', 'torch.utils._config_module.load_config', 'torch._dynamo.guards.GuardBuilder.get', 'torch.utils.collect_env.run', 'torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression', 'torch.hub.load', 'torch.load', 'torch.jit.unsupported_tensor_ops.execWrapper',
  'pip.main', 'setuptools.sandbox.run_setup', 'distutils.spawn.spawn', 'idlelib.pyshell.ModifiedInterpreter.runcode', 'lib2to3.pgen2.pgen.ParserGenerator.make_label', 'ensurepip._run_pip',
  'socket.create_connection', 'urllib.request.urlopen', 'http.client.HTTPSConnection', 'webbrowser.open', 'ftplib.FTP', 'smtplib.SMTP', 'logging.config.listen',
  'shutil.rmtree', 'pathlib.Path.write_bytes', 'tempfile.mktemp', 'sqlite3.connect', 'operator.attrgetter', 'functools.partial', 'types.CodeType', 'marshal.loads', 'pickle.loads', 'dill.loads', 'joblib.load', 'shelve.open', 'uuid._get_command_stdout', 'pydoc.pipepager', 'venv.create', 'zipimport.zipimporter.load_module', 'ssl.get_server_certificate', 'sys.settrace', 'aiohttp.client.ClientSession',
];
