import json,numpy as np,enc,time
v=json.load(open('vocab.json')); c={int(k):n for k,n in v['count'].items()}
keep=sorted({i for i in v['cand'] if i<60000}|{i for i in c if c[i]>=5 and i>3})
json.dump(keep,open('keep.json','w')); print(len(keep))
pre=enc.TOK.encode('query: a').ids; pre=enc.ids_of(['a'])[0][:-2]; print([enc.pieces[i] for i in pre])
s=enc.session('e5-int8.onnx'); t=time.time()
q=[pre+[i,2] for i in keep]
e10,e12=enc.encode(s,q,['mean_10','mean_12'],1024); np.savez('pieces.npz',e10=e10.astype('f2'),e12=e12.astype('f2')); print(time.time()-t)
