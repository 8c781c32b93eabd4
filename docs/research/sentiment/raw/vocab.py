"""Choose the pieces of the small model: those seen in our texts, then the most frequent of the scripts we need."""
import numpy as np,collections,unicodedata,json,data,enc
A=[r for r in data.tier_a() if r[1] in data.L20]; O=data.corpus('train')
c=collections.Counter()
for R,w in ((A,1),(O,5)):
    for i in range(0,len(R),20000):
        for e in enc.TOK.encode_batch([enc.normalise(r[0].lower()) for r in R[i:i+20000]],add_special_tokens=False):
            for k in set(e.ids): c[k]+=w
print('used',len(c),sum(v>=3 for v in c.values()),sum(v>=10 for v in c.values()))
def script(p):
    s=set()
    for ch in p.strip('▁'):
        if not ch.isalpha() and unicodedata.category(ch)[0]!='M': continue
        n=unicodedata.name(ch,'?').split()[0]; s.add(n)
    return s
ok={'LATIN','CYRILLIC','ARABIC','DEVANAGARI','CJK','HIRAGANA','KATAKANA','HANGUL','KATAKANA-HIRAGANA'}
n=collections.Counter(); cand=[]
for i,p in enumerate(enc.pieces):
    if i<4 or p!=p.lower(): continue
    s=script(p)
    if s<=ok: cand.append(i); n[tuple(sorted(s))]+=1
print(len(cand),n.most_common(12))
json.dump(dict(count={str(k):v for k,v in c.items()},cand=cand),open('vocab.json','w'))
for k in (30000,60000,100000,150000): print(k,sum(1 for i in cand if i<k), [enc.pieces[i] for i in cand if i<k][-8:])
