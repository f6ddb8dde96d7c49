#!/usr/bin/env bash
# A SLURM of one node, in a folder, for as long as it is wanted:
#
#   tests/slurm_here.sh start FOLDER    starts it; then: export SLURM_CONF=FOLDER/slurm.conf
#   tests/slurm_here.sh stop FOLDER     ends it
#
# Needs root, and Debian's slurm-wlm and munge (apt-get install --no-install-recommends slurm-wlm munge).
set -euo pipefail
home=$(realpath -m "$2")

stop() {
  for each in slurmd slurmctld munge; do
    [ ! -e "$home/$each.pid" ] || kill "$(cat "$home/$each.pid")" 2>/dev/null || true
  done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start() {
  mkdir -p "$home"/{state,spool,log}
  chmod 755 "$home"
  (umask 077; head -c 1024 /dev/urandom > "$home/munge.key")
  munged --force --socket="$home/munge.socket" --key-file="$home/munge.key" --log-file="$home/log/munged.log" \
    --pid-file="$home/munge.pid" --seed-file="$home/munge.seed"
  cat > "$home/slurm.conf" <<CONF
ClusterName=here
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$home/munge.socket
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/log/slurmctld.log
SlurmdLogFile=$home/log/slurmd.log
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
KillWait=5
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF="$home/slurm.conf"
  slurmctld
  slurmd
  for _ in $(seq 100); do
    [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && return
    sleep 0.1
  done
  tail -n 5 "$home"/log/*.log >&2
  stop
  exit 1
}

"$1"
