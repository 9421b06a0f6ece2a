import { ref } from "vue";
import { withProof } from "../shared/proof";
import { keep, recall } from "../shared/storage";
import { toast } from "../shared/toasts";
import type { Audience } from "./useAudience";

/** Which questions this browser supports. The service counts one vote a device; here is only what it knows of itself. */
export function useVotes(slug: string, audience: Audience) {
  const name = `votes.${slug}`;
  const voted = ref(new Set(recall<number[]>(name, [])));
  const busy = ref(new Set<number>());

  async function toggle(id: number): Promise<void> {
    if (busy.value.has(id)) return;
    const on = !voted.value.has(id);
    busy.value.add(id);
    try {
      const answer = await withProof(() => audience.vote(id, on), audience.prove);
      if (answer.ok) {
        if (on) voted.value.add(id);
        else voted.value.delete(id);
        keep(name, [...voted.value]);
        const question = audience.questions.value.find((item) => item.id === id);
        if (question !== undefined) audience.update({ ...question, votes: answer.votes });
      } else {
        const seconds = answer.error.retry_after;
        toast(seconds === undefined ? answer.error.message : `${answer.error.message}（${Math.ceil(seconds)} 秒后可以再试）`);
      }
    } catch {
      toast("没有投成功，请检查网络后再试。");
    } finally {
      busy.value.delete(id);
    }
  }

  return { voted, busy, toggle };
}

export type Votes = ReturnType<typeof useVotes>;
