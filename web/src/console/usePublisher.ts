import { computed, onUnmounted, ref, shallowRef } from "vue";
import { api } from "../shared/api";
import { asApiError } from "../shared/load";
import { keep, recall } from "../shared/storage";
import { WhipPublisher, type PublishState } from "../shared/whip";

export type Source = "camera" | "screen";

interface Devices {
  camera: string;
  microphone: string;
}

const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Why a camera or a screen did not come, said so that one can do something about it. */
function mediaProblem(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "没有得到允许。请在浏览器地址栏旁的权限设置里允许摄像头、麦克风或屏幕共享，再试一次。";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "没有找到摄像头或麦克风。请插好后再试。";
  if (name === "NotReadableError") return "摄像头或麦克风正被别的程序占用。请关掉那个程序再试。";
  return asApiError(error).message;
}

/** Publishing from this browser. One stream at a time; leaving the page ends it. */
export function usePublisher(slug: string) {
  const state = ref<PublishState>("stopped");
  const source = ref<Source | null>(null);
  const stream = shallowRef<MediaStream | null>(null);
  const problem = ref("");
  const silent = ref(false);
  const devices = shallowRef<MediaDeviceInfo[]>([]);
  const chosen = ref<Devices>(recall<Devices>("devices", { camera: "", microphone: "" }));
  const starting = ref(false);
  let publisher: WhipPublisher | null = null;

  const possible = typeof RTCPeerConnection !== "undefined" && navigator.mediaDevices !== undefined;
  const active = computed(() => starting.value || !["stopped", "taken", "denied"].includes(state.value));

  async function listDevices(): Promise<void> {
    if (!possible) return;
    try {
      devices.value = await navigator.mediaDevices.enumerateDevices();
    } catch {
      devices.value = [];
    }
  }

  function constraint(base: MediaTrackConstraints, id: string): MediaTrackConstraints {
    return id === "" ? base : { ...base, deviceId: { ideal: id } };
  }

  async function capture(from: Source): Promise<MediaStream> {
    const audio = constraint(AUDIO, chosen.value.microphone);
    silent.value = false;
    if (from === "camera") {
      const video = constraint(VIDEO, chosen.value.camera);
      try {
        return await navigator.mediaDevices.getUserMedia({ video, audio });
      } catch (error) {
        if (!(error instanceof DOMException) || error.name !== "NotFoundError") throw error;
        // A camera without a microphone is still worth showing.
        silent.value = true;
        return navigator.mediaDevices.getUserMedia({ video });
      }
    }
    const screen = await navigator.mediaDevices.getDisplayMedia({ video: VIDEO, audio: false });
    try {
      const voice = await navigator.mediaDevices.getUserMedia({ audio });
      for (const track of voice.getAudioTracks()) screen.addTrack(track);
    } catch {
      silent.value = true;
    }
    return screen;
  }

  async function start(from: Source): Promise<void> {
    if (active.value) return;
    starting.value = true;
    problem.value = "";
    try {
      const { token } = await api.publishToken(slug);
      const captured = await capture(from);
      stream.value = captured;
      source.value = from;
      // The browser's own bar ends a shared screen, and a camera can be pulled out.
      for (const track of captured.getVideoTracks()) track.addEventListener("ended", stop);
      publisher = new WhipPublisher(slug, token, captured, heard);
      publisher.start();
      await listDevices();
    } catch (error) {
      problem.value = mediaProblem(error);
      release();
    } finally {
      starting.value = false;
    }
  }

  function heard(now: PublishState): void {
    state.value = now;
    if (now === "taken") problem.value = "别人正用另一个推流密钥播这个活动。请对方先停，再试一次。";
    if (now === "denied") problem.value = "推流没有被接受。请刷新页面再试。";
    if (now === "taken" || now === "denied") release();
  }

  function release(): void {
    for (const track of stream.value?.getTracks() ?? []) track.stop();
    stream.value = null;
    source.value = null;
    publisher = null;
  }

  function stop(): void {
    publisher?.stop();
    release();
    state.value = "stopped";
  }

  function choose(change: Partial<Devices>): void {
    chosen.value = { ...chosen.value, ...change };
    keep("devices", chosen.value);
  }

  const warn = (event: BeforeUnloadEvent): void => {
    if (active.value) event.preventDefault();
  };
  window.addEventListener("beforeunload", warn);
  window.addEventListener("pagehide", stop);
  void listDevices();
  onUnmounted(() => {
    window.removeEventListener("beforeunload", warn);
    window.removeEventListener("pagehide", stop);
    stop();
  });

  return { state, source, stream, problem, silent, devices, chosen, possible, active, start, stop, choose };
}
