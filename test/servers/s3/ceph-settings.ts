import { join } from 'node:path';

export type CephPlaces = { libraries: string; data: string; monitorPort: number; gatewayPort: number };

/** The cluster's name for itself; every cluster here is alone on its ports, so one will do. */
export const clusterId = '5e1f0c0e-6f1b-4c0d-9b6e-2f6d8a1c7b3a';

/**
 * One monitor, one object store on a sparse file and one gateway, without authentication among them, each allowed to be
 * the only copy.
 */
export function cephSettings({ libraries, data, monitorPort, gatewayPort }: CephPlaces): string {
  return Object.entries({
    global: { ...cluster, ...paths(libraries, data), mon_host: `v2:127.0.0.1:${monitorPort}/0` },
    'client.rgw': { ...gateway, rgw_frontends: `beast endpoint=127.0.0.1:${gatewayPort}` },
  })
    .map(
      ([section, settings]) =>
        `[${section}]\n${Object.entries(settings)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join('')}`,
    )
    .join('');
}

const cluster = {
  fsid: clusterId,
  auth_cluster_required: 'none',
  auth_service_required: 'none',
  auth_client_required: 'none',
  auth_allow_insecure_global_id_reclaim: 'false',
  ms_mon_client_mode: 'crc',
  ms_bind_msgr1: 'false',
  public_addr: '127.0.0.1',
  cluster_addr: '127.0.0.1',
  log_to_stderr: 'true',
  err_to_stderr: 'true',
  mon_cluster_log_to_file: 'false',
  log_max_recent: '1',
  debug_rocksdb: '0',
  debug_bluefs: '0',
  debug_bluestore: '0',
  debug_bdev: '0',
  // A vote waits a second for company by default: with one monitor that is all the time a start takes.
  paxos_propose_interval: '0.05',
  paxos_min_wait: '0.02',
  mon_allow_pool_size_one: 'true',
  mon_data_avail_warn: '2',
  mon_data_avail_crit: '1',
  osd_pool_default_size: '1',
  osd_pool_default_min_size: '1',
  osd_pool_default_pg_num: '2',
  osd_pool_default_pgp_num: '2',
  osd_pool_default_pg_autoscale_mode: 'off',
  osd_crush_chooseleaf_type: '0',
  osd_crush_update_on_start: 'false',
  osd_class_load_list: '*',
  osd_class_default_list: '*',
  osd_objectstore: 'bluestore',
  bluestore_block_create: 'true',
  bluestore_block_size: String(64 * 1024 ** 3),
  bluestore_cache_autotune: 'false',
  bluestore_cache_size: String(64 * 1024 ** 2),
};

const gateway = {
  rgw_crypt_s3_kms_backend: 'testing',
  rgw_crypt_s3_kms_encryption_keys: `testkey-1=${Buffer.alloc(32, 'nightjar').toString('base64')}`,
  rgw_crypt_require_ssl: 'false',
  // Nobody here waits for a lifecycle's days.
  rgw_enable_lc_threads: 'false',
};

function paths(libraries: string, data: string): Record<string, string> {
  return {
    mon_data: join(data, 'mon'),
    osd_data: join(data, 'osd'),
    rgw_data: join(data, 'rgw'),
    keyring: join(data, 'keyring'),
    run_dir: join(data, 'run'),
    crash_dir: join(data, 'run'),
    admin_socket: '',
    pid_file: '',
    log_file: '',
    osd_class_dir: join(libraries, 'rados-classes'),
    erasure_code_dir: join(libraries, 'ceph/erasure-code'),
    plugin_dir: join(libraries, 'ceph'),
  };
}
